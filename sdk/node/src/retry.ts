import { APIConnectionError, APIError, APITimeoutError } from './errors.js';

const FIRST_PAUSE = 500;
const MAX_PAUSE = 8_000;
const JITTER = 0.25;
/** The longest wait, in seconds, that is sat out on the caller's behalf. */
const MAX_RETRY_AFTER = 60;

/**
 * Decides whether to try again.
 *
 * 429 and 503 say that nothing was done. A connection that failed may have done something, but every POST carries an
 * idempotency key. 502 means that the gateway has tried its other models already. A timeout has used up all the time
 * there was.
 *
 * @param failures - how many tries have failed before this one
 * @param random - in [0, 1)
 * @returns milliseconds to wait first, or undefined not to try again
 */
export function pauseAfter(error: unknown, failures: number, maxRetries: number, random: number): number | undefined {
  if (failures >= maxRetries || !retryable(error)) return undefined;
  const asked = error instanceof APIError ? error.retryAfter : undefined;
  if (asked === undefined) return backoff(failures, random);
  return asked > MAX_RETRY_AFTER ? undefined : asked * 1000;
}

function retryable(error: unknown): boolean {
  if (error instanceof APIError) return error.status === 429 || error.status === 503;
  return error instanceof APIConnectionError && !(error instanceof APITimeoutError) && !untrusted(error.cause);
}

function backoff(failures: number, random: number): number {
  return Math.min(FIRST_PAUSE * 2 ** failures, MAX_PAUSE) * (1 - JITTER + 2 * JITTER * random);
}

/** Tells a certificate that was refused, which the next try would be shown again. */
function untrusted(cause: unknown): boolean {
  const code = errorCode(cause);
  return code !== undefined && /^(ERR_TLS_|CERT_)|SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code);
}

/** The system's code for why a fetch failed. Node's fetch hides it one or two causes deep. */
export function errorCode(error: unknown): string | undefined {
  for (let e = error, depth = 0; typeof e === 'object' && e !== null && depth < 4; depth++) {
    const { code, cause } = e as { code?: unknown; cause?: unknown };
    if (typeof code === 'string') return code;
    e = cause;
  }
  return undefined;
}
