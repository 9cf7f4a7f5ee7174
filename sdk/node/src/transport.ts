import { Attempt } from './attempt.js';
import { type Call, checkOptions } from './call.js';
import { type Config, checkHeaders } from './config.js';
import { APIConnectionError, APITimeoutError, NotFoundError, OpenClawError } from './errors.js';
import { attachMeta, readMeta } from './meta.js';
import type { RequestOptions } from './options.js';
import { foreignAnswer, readError } from './response.js';
import { errorCode, pauseAfter } from './retry.js';

/** Sends calls to one gateway. */
export class Transport {
  constructor(readonly config: Config) {}

  /**
   * Sends a call until it is answered, or until trying again is no use.
   *
   * @returns the answer's JSON, an object; undefined of a DELETE
   */
  async json<T>(call: Call, options: RequestOptions): Promise<T> {
    checkOptions(options);
    let lost = false;
    for (let failures = 0; ; failures++) {
      try {
        return await this.#try<T>(call, options, failures + 1);
      } catch (error) {
        // A try whose answer was lost may well have deleted it.
        if (call.method === 'DELETE' && lost && error instanceof NotFoundError) return undefined as T;
        lost ||= error instanceof APIConnectionError;
        if (call.once || !(await this.pause(error, failures, options))) throw error;
      }
    }
  }

  async #try<T>(call: Call, options: RequestOptions, number: number): Promise<T> {
    const attempt = new Attempt(options.signal);
    try {
      const response = await this.send(call, options, attempt, number, 'application/json');
      const text = await this.#part(call, options, attempt, () => response.text());
      if (call.method === 'DELETE') return undefined as T;
      const result = parse(response, text);
      attachMeta(result, readMeta(response.headers));
      return result as T;
    } finally {
      attempt.end();
    }
  }

  /**
   * Sends a call once.
   *
   * @returns an answer of success, whose body is still to be read
   * @throws APIError for any other answer, APIConnectionError or APITimeoutError for none, the reason of the caller's
   *   signal where that was aborted, or what a hook threw
   */
  async send(call: Call, options: RequestOptions, attempt: Attempt, number: number, accept: string): Promise<Response> {
    const { config } = this;
    const url = config.root + call.path + queryOf(call.query);
    const headers = this.#headers(call, options, accept);
    const info = { operation: call.operation, method: call.method, url, attempt: number };
    await config.onRequest?.({ ...info, headers });
    // Only now, so that no hook can log the token by mistake.
    if (config.apiKey !== undefined) headers.set('Authorization', `Bearer ${config.apiKey}`);
    const init: RequestInit = { method: call.method, headers, signal: attempt.signal, redirect: 'manual' };
    if (call.body !== undefined) init.body = JSON.stringify(call.body);
    attempt.sent = performance.now();
    let response: Response;
    try {
      response = await this.#part(call, options, attempt, () => this.#fetch(url, init));
    } catch (error) {
      await config.onResponse?.({ ...info, duration: performance.now() - attempt.sent, error });
      throw error;
    }
    const requestId = response.headers.get('X-Request-Id');
    await config.onResponse?.({
      ...info,
      duration: performance.now() - attempt.sent,
      status: response.status,
      headers: response.headers,
      ...(requestId !== null && { requestId }),
    });
    if (response.ok) return response;
    throw await this.#part(call, options, attempt, () => readError(response));
  }

  /** Waits for the next part of an answer, for as long as is left of the time that one try may take. */
  async #part<T>(call: Call, options: RequestOptions, attempt: Attempt, work: () => Promise<T>): Promise<T> {
    const timeout = options.timeout ?? this.config.timeout ?? call.timeout;
    const left = Math.max(1, timeout - (performance.now() - attempt.sent));
    try {
      return await attempt.within(left, () => tooLate(call, timeout), work);
    } catch (error) {
      throw this.explain(call, error, options);
    }
  }

  /** Waits before the next try, or returns false where there is to be none. */
  async pause(error: unknown, failures: number, options: RequestOptions): Promise<boolean> {
    const { config } = this;
    const ms = pauseAfter(error, failures, options.maxRetries ?? config.maxRetries, config.random());
    if (ms === undefined) return false;
    await config.sleep(ms, options.signal);
    return true;
  }

  /** Makes what ended a call presentable. */
  explain(call: Call, error: unknown, { signal }: RequestOptions): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof OpenClawError) return error;
    const why = error instanceof Error ? (errorCode(error) ?? error.message) : String(error);
    const message = `${call.operation}: no answer from the gateway at ${this.config.root} (${why}). Is it running?`;
    return new APIConnectionError(message, { cause: error });
  }

  // Node's fetch waits 5 minutes for an answer to begin, whatever it is told, and an assistant may think longer. The
  // gateway then still works on it, and sending the same idempotency key again joins that work.
  async #fetch(url: string, init: RequestInit): Promise<Response> {
    for (;;) {
      try {
        return await this.config.fetch(url, init);
      } catch (error) {
        if (errorCode(error) !== 'UND_ERR_HEADERS_TIMEOUT' || init.signal?.aborted) throw error;
      }
    }
  }

  #headers(call: Call, options: RequestOptions, accept: string): Headers {
    const { config } = this;
    const headers = new Headers(config.headers);
    checkHeaders(call.operation, options.headers).forEach((value, name) => {
      headers.set(name, value);
    });
    headers.set('Accept', accept);
    if (config.userAgent !== undefined) headers.set('User-Agent', config.userAgent);
    if (call.body !== undefined) headers.set('Content-Type', 'application/json');
    for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
    return headers;
  }
}

function tooLate(call: Call, ms: number): APITimeoutError {
  return new APITimeoutError(
    `${call.operation}: no answer within ${ms / 1000} s. Raise the option timeout where it may take longer.`,
  );
}

function queryOf(query: Call['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

function parse(response: Response, text: string): object {
  let result: unknown;
  try {
    result = JSON.parse(text);
  } catch (cause) {
    if (!response.headers.get('Content-Type')?.startsWith('application/json')) {
      throw foreignAnswer(response, 'its answer is not JSON');
    }
    // Node's fetch takes a body for whole when the connection closes in the middle of it. A gateway's answers are
    // objects, of which no part parses.
    throw new APIConnectionError("the connection broke in the middle of the gateway's answer", { cause });
  }
  if (typeof result === 'object' && result !== null && !Array.isArray(result)) return result;
  throw foreignAnswer(response, 'its answer is no JSON object');
}
