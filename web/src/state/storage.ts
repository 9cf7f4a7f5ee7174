/**
 * Session storage, where everything that the page remembers of a token and its conversations is: it ends with the tab.
 * Browsers that deny it (or have it full) make the page forgetful, not broken.
 */
const PREFIX = 'openclaw.';

export function recall(name: string): string | undefined {
  try {
    return sessionStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores a value; undefined and '' remove it. */
export function remember(name: string, value: string | undefined): void {
  try {
    if (value) sessionStorage.setItem(PREFIX + name, value);
    else sessionStorage.removeItem(PREFIX + name);
  } catch {
    // Nothing depends on it until the next reload.
  }
}

/** Reads what {@link rememberJson} stored; undefined where it is not there or not readable. */
export function recallJson<T>(name: string): T | undefined {
  try {
    return JSON.parse(recall(name) ?? '') as T;
  } catch {
    return undefined;
  }
}

export function rememberJson(name: string, value: unknown): void {
  remember(name, JSON.stringify(value));
}

/** Forgets everything, as a tab that is closed does. */
export function forgetAll(): void {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    }
  } catch {
    // There was nothing to remember with.
  }
}
