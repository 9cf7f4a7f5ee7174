import { checkMaxRetries, checkTimeout } from './config.js';
import { InvalidArgumentError } from './errors.js';
import type { RequestOptions } from './options.js';

/** One operation, as often as it is sent. */
export interface Call {
  /** Its operationId, for hooks and messages. */
  operation: string;
  method: 'GET' | 'POST' | 'DELETE';
  /** From the root on, escaped. */
  path: string;
  query?: Record<string, string | number | undefined>;
  /** Besides those that every request has. */
  headers?: Record<string, string>;
  /** Sent as JSON; none where undefined. */
  body?: unknown;
  /** The default; milliseconds. */
  timeout: number;
  /** A probe: its failure is its answer, so it is not tried again. */
  once?: boolean;
}

/** Suffices for everything but the model's work. */
export const QUICK = 60_000;
/** A little more than the longest run that a gateway allows by default, 15 minutes. */
export const PATIENT = 16 * 60_000;

export const API = '/api/v1';

/**
 * Makes a path of a name that the caller gave.
 *
 * @throws InvalidArgumentError for the names that escaping cannot keep from meaning something else in a path; all others
 *   are the gateway's to judge
 */
export function pathOf(prefix: string, what: string, name: string, suffix = ''): string {
  if (typeof name !== 'string' || name === '' || name === '.' || name === '..') {
    throw new InvalidArgumentError(`${JSON.stringify(name)} is no ${what}.`);
  }
  try {
    return `${API}${prefix}${encodeURIComponent(name)}${suffix}`;
  } catch (cause) {
    throw new InvalidArgumentError(`The ${what} has half of a surrogate pair in it, which cannot be sent.`, { cause });
  }
}

/**
 * Checks the options of one call.
 *
 * @throws InvalidArgumentError as the client's constructor does
 */
export function checkOptions(options: RequestOptions & { idleTimeout?: number | undefined }): void {
  checkTimeout('timeout', options.timeout);
  checkTimeout('idleTimeout', options.idleTimeout);
  checkMaxRetries(options.maxRetries);
}
