import { NotFoundError, PermissionDeniedError, type Session } from '@openclaw/sdk';
import { batch, computed, signal } from '@preact/signals';
import { forgetDraft } from './drafts.js';
import { gateway, noteFailure } from './gateway.js';
import type { Problem } from './problem.js';
import { tell } from './tabs.js';

const PAGE = 100;
/** While something is searched for, pages are as large as they can be. */
const SEARCH_PAGE = 1000;
/** A search goes on by itself until it has found so many. */
const ENOUGH = 30;

/** The sessions loaded so far, newest activity first. */
export const sessions = signal<readonly Session[]>([]);
export const query = signal('');
/** What has been searched for to the end, or for long enough: until it is `query`, nobody knows what there is not. */
export const searched = signal('');
export const loading = signal(false);
/** Whether the first page has come. */
export const loaded = signal(false);
export const listProblem = signal<Problem | undefined>(undefined);
/** True where the token may not list sessions. */
export const forbidden = signal(false);

const cursor = signal<string | undefined>(undefined);
export const hasMore = computed(() => cursor.value !== undefined);

export const found = computed(() => {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return sessions.value;
  return sessions.value.filter((s) => words.every((word) => s.key.toLowerCase().includes(word)));
});

/** Loads the first page again and joins it with what is loaded already. */
export async function refreshSessions(): Promise<void> {
  try {
    const page = await gateway().sessions.listPage({ limit: PAGE });
    batch(() => {
      const fresh = new Set(page.sessions.map((s) => s.key));
      const oldest = page.sessions.at(-1)?.key;
      // What stood before the page's last session and is not on it has been deleted elsewhere. By place, not by time: many
      // sessions may be active in one millisecond. Where that session is new here, so is all that follows it.
      const end = page.nextCursor ? sessions.value.findIndex((s) => s.key === oldest) : -1;
      const older = end < 0 ? ([] as Session[]) : sessions.value.slice(end + 1).filter((s) => !fresh.has(s.key));
      if (!loaded.value || older.length === 0) cursor.value = page.nextCursor;
      sessions.value = [...page.sessions, ...older];
      loaded.value = true;
      forbidden.value = false;
      listProblem.value = undefined;
    });
  } catch (error) {
    fail(error);
  }
}

let coming: Promise<void> | undefined;

/** Loads the page behind those that are loaded. Whoever asks while it is on its way waits for it. */
export function loadMoreSessions(): Promise<void> {
  if (cursor.value === undefined) return Promise.resolve();
  coming ??= loadMore().finally(() => {
    coming = undefined;
  });
  return coming;
}

async function loadMore(): Promise<void> {
  loading.value = true;
  try {
    const limit = query.value ? SEARCH_PAGE : PAGE;
    const page = await gateway().sessions.listPage({ limit, cursor: cursor.value });
    const known = new Set(sessions.value.map((s) => s.key));
    batch(() => {
      sessions.value = [...sessions.value, ...page.sessions.filter((s) => !known.has(s.key))];
      cursor.value = page.nextCursor;
      listProblem.value = undefined;
    });
  } catch (error) {
    fail(error);
  } finally {
    loading.value = false;
  }
}

/** Looks for sessions by their key: among those loaded at once, then in further pages until there are enough. */
export async function search(text: string): Promise<void> {
  query.value = text;
  await findExactly(text.trim());
  while (query.value === text && text.trim() !== '' && found.value.length < ENOUGH && hasMore.value) {
    const before = sessions.value.length;
    await loadMoreSessions();
    if (sessions.value.length === before) break;
  }
  if (query.value === text) searched.value = text;
}

async function findExactly(key: string): Promise<void> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@+~-]{5,127}$/.test(key) || found.value.length > 0 || !hasMore.value) return;
  try {
    const session = await gateway().sessions.get(key);
    if (!sessions.value.some((s) => s.key === key)) sessions.value = [...sessions.value, session];
  } catch (error) {
    if (!(error instanceof NotFoundError)) noteFailure(error);
  }
}

/**
 * Erases a session.
 *
 * @throws what the gateway says against it; that it is gone already counts as success
 */
export async function deleteSession(key: string): Promise<void> {
  try {
    await gateway().sessions.delete(key);
  } catch (error) {
    if (!(error instanceof NotFoundError)) {
      noteFailure(error);
      throw error;
    }
  }
  dropSession(key);
  tell({ type: 'deleted', sessionKey: key });
}

/** Takes a session that is gone off the list. */
export function dropSession(key: string): void {
  sessions.value = sessions.value.filter((s) => s.key !== key);
  forgetDraft(key);
}

function fail(error: unknown): void {
  const problem = noteFailure(error);
  batch(() => {
    loaded.value = true;
    forbidden.value = error instanceof PermissionDeniedError;
    listProblem.value = problem;
  });
}
