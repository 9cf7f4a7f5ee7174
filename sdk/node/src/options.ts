import type { RequestHook, ResponseHook } from './hooks.js';

/** How to reach a gateway, and how to treat it. */
export interface ClientOptions {
  /**
   * The gateway's address, with or without `/api/v1`. Default: the environment's `OPENCLAW_BASE_URL`, else
   * `http://localhost:3000`.
   */
  baseUrl?: string | undefined;
  /** The API token from the gateway's configuration. Default: the environment's `OPENCLAW_API_KEY`. */
  apiKey?: string | undefined;
  /**
   * The channel of the sessions that this client opens, such as `web`: a lower-case letter, then up to 31 lower-case
   * letters, digits and hyphens. The gateway's default is `api`.
   */
  channel?: string | undefined;
  /**
   * Milliseconds that one try of a call may take, until its answer is whole or, of a stream, begins. `Infinity` for no
   * bound. Default: 960,000 (16 minutes, a little over the longest run a gateway allows) for `chat` and `stream`, 60,000
   * for all else.
   */
  timeout?: number | undefined;
  /**
   * Milliseconds that a stream may be silent before it counts as broken and is taken up again. Default: 60,000; the
   * gateway sends a sign of life every 15 seconds.
   */
  idleTimeout?: number | undefined;
  /** How often a failed call is tried again, and how often in a row a broken stream is taken up again. Default: 2. */
  maxRetries?: number | undefined;
  /** Sent with every request, besides the SDK's own. */
  headers?: Record<string, string> | Headers | undefined;
  /** Put before the SDK's own name in `User-Agent`, such as `my-app/1.2`. Browsers send their own instead. */
  userAgent?: string | undefined;
  /** Used instead of the global `fetch`: for proxies, certificates, tests. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Called before every try of every call. */
  onRequest?: RequestHook | undefined;
  /** Called after every try of every call, once its headers are there or it has failed. */
  onResponse?: ResponseHook | undefined;
}

/** How to treat one call. What is left out is as the client was told. */
export interface RequestOptions {
  /** Ends the call, waits between tries included, and has it throw the signal's `reason`. */
  signal?: AbortSignal | undefined;
  /** See {@link ClientOptions.timeout}. */
  timeout?: number | undefined;
  /** See {@link ClientOptions.maxRetries}. */
  maxRetries?: number | undefined;
  /** Sent with this call, besides the client's. */
  headers?: Record<string, string> | Headers | undefined;
}

/** How to treat a stream. */
export interface StreamOptions extends RequestOptions {
  /** See {@link ClientOptions.idleTimeout}. */
  idleTimeout?: number | undefined;
}

/** What makes a message safe to send again. */
export interface IdempotencyOptions {
  /**
   * 1 to 255 printable ASCII characters, remembered by the gateway for 24 hours: whoever sends the same message with the
   * same key, even another process, gets the same answer. Default: a fresh one, which covers the retries of this call.
   */
  idempotencyKey?: string | undefined;
}
