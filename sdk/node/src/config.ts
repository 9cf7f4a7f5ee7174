import { InvalidArgumentError } from './errors.js';
import { defaultInternals, INTERNALS, type Internals } from './internals.js';
import type { ClientOptions } from './options.js';
import { env, userAgent } from './runtime.js';

const DEFAULT_BASE_URL = 'http://localhost:3000';
const DEFAULT_MAX_RETRIES = 2;
/** Four of the signs of life that a gateway sends into a silent stream. */
const DEFAULT_IDLE_TIMEOUT = 60_000;

/** A client's options, checked and with their defaults. */
export interface Config extends Internals {
  /** Scheme, host and any path before `/api/v1`, without a slash at the end. */
  root: string;
  apiKey: string | undefined;
  channel: string | undefined;
  userAgent: string | undefined;
  timeout: number | undefined;
  idleTimeout: number;
  maxRetries: number;
  headers: Headers;
  fetch: typeof globalThis.fetch;
  onRequest: ClientOptions['onRequest'];
  onResponse: ClientOptions['onResponse'];
}

/**
 * Checks what a client was given and fills in the defaults.
 *
 * @throws InvalidArgumentError for what could not be sent: fetch's own complaint would look like a failed connection
 */
export function resolveConfig(options: ClientOptions & { [INTERNALS]?: Internals }): Config {
  const apiKey = options.apiKey ?? env('OPENCLAW_API_KEY');
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new InvalidArgumentError(
      'apiKey is empty or has a character that no token has: look for a space or a line end.',
    );
  }
  const { channel } = options;
  if (channel !== undefined && !/^[a-z][a-z0-9-]{0,31}$/.test(channel)) {
    throw new InvalidArgumentError(
      `channel ${JSON.stringify(channel)} is not a lower-case letter and up to 31 lower-case letters, digits and hyphens.`,
    );
  }
  const agent = userAgent(options.userAgent);
  if (agent !== undefined) checkHeaders('userAgent', { 'User-Agent': agent });
  // Read at each call rather than here: applications and their tests replace the global one at their own time.
  const fetch: typeof globalThis.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  return {
    root: parseBaseUrl(options.baseUrl ?? env('OPENCLAW_BASE_URL') ?? DEFAULT_BASE_URL),
    apiKey,
    channel,
    userAgent: agent,
    timeout: checkTimeout('timeout', options.timeout),
    idleTimeout: checkTimeout('idleTimeout', options.idleTimeout) ?? DEFAULT_IDLE_TIMEOUT,
    maxRetries: checkMaxRetries(options.maxRetries) ?? DEFAULT_MAX_RETRIES,
    headers: checkHeaders('headers', options.headers),
    fetch,
    onRequest: options.onRequest,
    onResponse: options.onResponse,
    ...(options[INTERNALS] ?? defaultInternals),
  };
}

function parseBaseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch (cause) {
    throw new InvalidArgumentError(`baseUrl ${JSON.stringify(text)} is not of the form http://host:port.`, { cause });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidArgumentError(`baseUrl ${JSON.stringify(text)} does not begin with http:// or https://.`);
  }
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError(`baseUrl ${JSON.stringify(text)} has a query or a fragment: leave that out.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('baseUrl has a user in it: the gateway takes a token, given as apiKey.');
  }
  return (url.origin + url.pathname)
    .replace(/\/+$/, '')
    .replace(/\/api\/v1$/, '')
    .replace(/\/+$/, '');
}

/** Copies what was given. The values of headers are not for every character. */
export function checkHeaders(what: string, given: ClientOptions['headers']): Headers {
  try {
    return new Headers(given);
  } catch (cause) {
    throw new InvalidArgumentError(`${what}: a header cannot be sent: ${(cause as Error).message}`, { cause });
  }
}

/** Returns `ms` where it is a time to wait for. */
export function checkTimeout(name: string, ms: number | undefined): number | undefined {
  if (ms !== undefined && !(ms > 0)) {
    throw new InvalidArgumentError(`${name} is ${ms}: give milliseconds over 0, or Infinity for no bound.`);
  }
  return ms;
}

/** Returns `n` where that is how often something can be tried again. */
export function checkMaxRetries(n: number | undefined): number | undefined {
  if (n !== undefined && !(Number.isInteger(n) && n >= 0)) {
    throw new InvalidArgumentError(`maxRetries is ${n}: give a whole number, 0 or more.`);
  }
  return n;
}
