/** What the headers of an answer tell. */
export interface Meta {
  /** Names the request in the gateway's log. */
  requestId?: string;
  /** `true` where this is the answer to an earlier request with the same idempotency key. */
  replayed: boolean;
  /** Absent where the answer names none. */
  rateLimit?: RateLimit;
}

/** Where a token stands with one class of requests. */
export interface RateLimit {
  /** Requests per window. */
  limit: number;
  /** Requests left in this window. */
  remaining: number;
  /** When `remaining` is `limit` again. */
  reset: Date;
}

/** @internal */
export function readMeta(headers: Headers): Meta {
  const meta: Meta = { replayed: headers.get('Idempotent-Replayed') === 'true' };
  const requestId = headers.get('X-Request-Id');
  if (requestId) meta.requestId = requestId;
  const limit = wholeNumber(headers.get('X-RateLimit-Limit'));
  const remaining = wholeNumber(headers.get('X-RateLimit-Remaining'));
  const reset = wholeNumber(headers.get('X-RateLimit-Reset'));
  if (limit !== undefined && remaining !== undefined && reset !== undefined) {
    meta.rateLimit = { limit, remaining, reset: new Date(reset * 1000) };
  }
  return meta;
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

// Beside the results rather than in them: a result is the answer's JSON and nothing else, whatever fields a later
// gateway adds, and stays so when it is logged, compared or stored.
const metas = new WeakMap<object, Meta>();

/** @internal */
export function attachMeta(result: object, meta: Meta): void {
  metas.set(result, meta);
}

/**
 * Tells what came with a result besides its content.
 *
 * @param result - an object that a method of the client resolved to, itself and not a copy
 * @returns undefined for anything else
 * @example
 * ```ts
 * const reply = await client.chat({ message: 'Hello' });
 * console.log(metaOf(reply)?.rateLimit?.remaining);
 * ```
 */
export function metaOf(result: object): Meta | undefined {
  return metas.get(result);
}
