import { VERSION } from './version.js';

// The one file that looks at where it runs. Node's globals are read by way of globalThis, because browsers lack them.

interface NodeLike {
  env?: Record<string, string | undefined>;
  versions?: Record<string, string | undefined>;
  platform?: string;
}

function nodeLike(): NodeLike | undefined {
  return (globalThis as { process?: NodeLike }).process;
}

/**
 * Reads an environment variable.
 *
 * @returns undefined where it is unset or empty, or where there is no environment
 */
export function env(name: string): string | undefined {
  try {
    return nodeLike()?.env?.[name]?.trim() || undefined;
  } catch {
    // Deno throws where the program was not given permission.
    return undefined;
  }
}

/**
 * What to send as User-Agent.
 *
 * @param app - the application's own name, put first
 * @returns undefined in browsers, which send their own
 */
export function userAgent(app: string | undefined): string | undefined {
  const agent = globalThis.navigator?.userAgent ?? '';
  if (agent.startsWith('Mozilla/')) return undefined;
  const { versions, platform } = nodeLike() ?? {};
  const where = [versions?.['node'] ? `node ${versions['node']}` : agent, platform].filter(Boolean).join('; ');
  return `${app ? `${app} ` : ''}openclaw-node/${VERSION}${where ? ` (${where})` : ''}`;
}

/** A fresh idempotency key. Not crypto.randomUUID, which browsers lack on pages that were not served over TLS. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
