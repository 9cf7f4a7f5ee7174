import { signal } from '@preact/signals';

/** Where the token stands with one class of requests, as the newest answer of that class said. */
export interface Standing {
  limit: number;
  remaining: number;
  /** When `remaining` is `limit` again, in milliseconds since 1970. */
  resetAt: number;
}

export type LimitClass = 'chat' | 'read';

/** Undefined for a class of which nothing has been asked yet. */
export const limits = signal<Partial<Record<LimitClass, Standing>>>({});

const chatOperations = new Set(['chat', 'chatStream']);

export function noteLimits(operation: string, headers: Headers): void {
  const [limit, remaining, reset] = ['Limit', 'Remaining', 'Reset'].map((n) => headers.get(`X-RateLimit-${n}`));
  if (!limit || !remaining || !reset) return;
  const of: LimitClass = chatOperations.has(operation) ? 'chat' : 'read';
  const standing = { limit: Number(limit), remaining: Number(remaining), resetAt: Number(reset) * 1000 };
  limits.value = { ...limits.value, [of]: standing };
}
