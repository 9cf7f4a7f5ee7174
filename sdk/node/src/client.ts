import { API, type Call, PATIENT, QUICK } from './call.js';
import { resolveConfig } from './config.js';
import { InvalidArgumentError } from './errors.js';
import { Messages } from './messages.js';
import type { ClientOptions, IdempotencyOptions, RequestOptions, StreamOptions } from './options.js';
import { randomKey } from './runtime.js';
import { Sessions } from './sessions.js';
import { ChatStream } from './stream.js';
import { Transport } from './transport.js';
import type { ChatRequest, ChatResponse, GatewayStatus, Probe } from './types.js';

/**
 * Calls one gateway.
 *
 * ```ts
 * const client = new OpenClaw({ baseUrl: 'http://localhost:3000', apiKey: 'your-api-token' });
 * const response = await client.chat({ message: 'Hello, OpenClaw!' });
 * console.log(response.content);
 * ```
 *
 * A call that was answered 429 or 503, or that found or kept no connection, is tried again: twice by default, after half
 * a second and then after a second (a quarter more or less), or after the time that the gateway names. Where that is
 * over a minute, the error is thrown at once. Sending a message again is safe, because each try of a POST carries the
 * same idempotency key.
 *
 * What methods return is the answer's JSON as it came, fields that this version does not know included.
 */
export class OpenClaw {
  /** Lists, reads and deletes sessions. */
  readonly sessions: Sessions;
  /** Reads, follows and stops single answers. */
  readonly messages: Messages;

  readonly #transport: Transport;

  /**
   * Sends nothing yet.
   *
   * @throws InvalidArgumentError for options that cannot be right
   */
  constructor(options: ClientOptions = {}) {
    this.#transport = new Transport(resolveConfig(options));
    this.sessions = new Sessions(this.#transport);
    this.messages = new Messages(this.#transport);
  }

  /**
   * Sends a message and returns the assistant's whole answer. That can take minutes; {@link OpenClaw.stream} shows it as
   * it is written.
   *
   * Operation: chat
   *
   * @throws RateLimitError, ModelError and the others of {@link OpenClawError}
   */
  async chat(request: ChatRequest, options: RequestOptions & IdempotencyOptions = {}): Promise<ChatResponse> {
    return this.#transport.json(this.#chatCall('chat', '/chat', request, options), options);
  }

  /**
   * Sends a message and streams the assistant's answer as it is written. Nothing is sent before the stream is iterated.
   *
   * ```ts
   * for await (const event of client.stream({ message: 'A poem' })) {
   *   if (event.type === 'delta') process.stdout.write(event.content);
   * }
   * ```
   *
   * Operation: chatStream
   */
  stream(request: ChatRequest, options: StreamOptions & IdempotencyOptions = {}): ChatStream {
    const open = () => this.#chatCall('chatStream', '/chat/stream', request, options);
    return new ChatStream(this.#transport, open, options);
  }

  /**
   * Gets the gateway's own account of how it is. Any valid token may ask.
   *
   * Operation: getStatus
   */
  async status(options: RequestOptions = {}): Promise<GatewayStatus> {
    return this.#transport.json(get('getStatus', `${API}/status`), options);
  }

  /**
   * Gets the contract that the gateway keeps, an OpenAPI document. Needs no token.
   *
   * Operation: getOpenapi
   */
  async openapi(options: RequestOptions = {}): Promise<Record<string, unknown>> {
    return this.#transport.json(get('getOpenapi', `${API}/openapi.json`), options);
  }

  /**
   * Tells whether the gateway's process is alive: resolves where it is, throws where it is not. Needs no token, and is
   * not tried again.
   *
   * Operation: healthz
   */
  async health(options: RequestOptions = {}): Promise<Probe> {
    return this.#transport.json({ ...get('healthz', '/healthz'), once: true }, options);
  }

  /**
   * Tells whether the gateway takes new work: resolves where it does, throws an {@link UnavailableError} where it does
   * not. Needs no token, and is not tried again.
   *
   * Operation: readyz
   */
  async ready(options: RequestOptions = {}): Promise<Probe> {
    return this.#transport.json({ ...get('readyz', '/readyz'), once: true }, options);
  }

  #chatCall(operation: string, path: string, request: ChatRequest, options: IdempotencyOptions): Call {
    const key = options.idempotencyKey ?? randomKey();
    // HTTP takes spaces at the ends away, which would make it another key.
    if (!/^[\x20-\x7e]{1,255}$/.test(key) || key !== key.trim()) {
      throw new InvalidArgumentError('idempotencyKey is not 1 to 255 printable ASCII characters without space around.');
    }
    const { channel } = this.#transport.config;
    return {
      operation,
      method: 'POST',
      path: API + path,
      headers: { 'Idempotency-Key': key, ...(channel !== undefined && { 'X-OpenClaw-Channel': channel }) },
      body: bodyOf(request),
      timeout: PATIENT,
    };
  }
}

function get(operation: string, path: string): Call {
  return { operation, method: 'GET', path, timeout: QUICK };
}

/** Checks only what would change what a call returns; what a message may be is for the gateway to say. */
function bodyOf(request: ChatRequest): ChatRequest {
  if (typeof request !== 'object' || request === null) {
    throw new InvalidArgumentError("The request is not an object such as { message: 'Hello' }.");
  }
  const { stream, ...body } = request as Omit<ChatRequest, 'stream'> & { stream?: unknown };
  if (stream === true) throw new InvalidArgumentError('stream: true is not for this method: call client.stream().');
  return body;
}
