import { onAbort } from './abort.js';
import { Attempt } from './attempt.js';
import { type Call, checkOptions, pathOf, QUICK } from './call.js';
import { APIConnectionError, APITimeoutError, IncompleteStreamError } from './errors.js';
import { decodeEvent } from './events.js';
import { type Meta, readMeta } from './meta.js';
import type { StreamOptions } from './options.js';
import { foreignAnswer } from './response.js';
import { EventParser } from './sse.js';
import type { ResumePoint } from './stream.js';
import type { Transport } from './transport.js';
import type { StreamEvent } from './types.js';

const EVENT_STREAM = 'text/event-stream';

/** How long, in milliseconds, to wait behind the last event for the stream's end, so that its connection can be reused. */
const DRAIN = 50;

/** The call that follows an answer from behind an event. */
export function streamMessageCall(id: string, after: number): Call {
  return {
    operation: 'streamMessage',
    method: 'GET',
    path: pathOf('/messages/', 'message id', id, '/stream'),
    headers: after > 0 ? { 'Last-Event-ID': String(after) } : {},
    timeout: QUICK,
  };
}

/** Follows one answer, over as many connections as that takes. */
export class Follower {
  messageId: string | undefined;
  sessionKey: string | undefined;
  /** Of the last event that has been yielded. */
  lastSeq: number;
  meta: Meta | undefined;

  readonly #transport: Transport;
  readonly #open: () => Call;
  readonly #options: StreamOptions;
  readonly #closed: AbortSignal;
  /** An event has been received, so the answer exists. */
  #begun = false;
  /** Connections in a row that brought no event. */
  #failures = 0;

  constructor(t: Transport, open: () => Call, options: StreamOptions, closed: AbortSignal, from?: ResumePoint) {
    this.#transport = t;
    this.#open = open;
    this.#options = options;
    this.#closed = closed;
    this.messageId = from?.messageId;
    this.lastSeq = from?.after ?? 0;
  }

  async *events(): AsyncGenerator<StreamEvent, void, undefined> {
    checkOptions(this.#options);
    const open = this.#open();
    // The caller's signal and close() end the same things; only what is thrown differs.
    const caller = new Attempt(this.#options.signal);
    const leave = onAbort(this.#closed, () => caller.end());
    const options = { ...this.#options, signal: caller.signal };
    try {
      for (let number = 1; !this.#closed.aborted; number++) {
        try {
          // A second message is never sent once the first has been seen to begin.
          const call = this.#begun && this.messageId ? streamMessageCall(this.messageId, this.lastSeq) : open;
          yield* this.#connect(call, options, number);
          return;
        } catch (error) {
          if (this.#closed.aborted) return;
          if (!this.#resumable() || !(await this.#transport.pause(error, this.#failures, options))) {
            throw this.#explain(open, error);
          }
          this.#failures++;
        }
      }
    } catch (error) {
      if (!this.#closed.aborted) throw error;
    } finally {
      leave();
      caller.end();
    }
  }

  /** Whether another connection could bring what is missing without repeating what has been received. */
  #resumable(): boolean {
    return !this.#begun || (this.messageId !== undefined && this.lastSeq > 0);
  }

  /** Yields events from one connection, and returns behind the stream's last. */
  async *#connect(call: Call, options: StreamOptions, number: number): AsyncGenerator<StreamEvent, void, undefined> {
    const attempt = new Attempt(options.signal);
    let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      const response = await this.#answer(call, options, attempt, number);
      if (response.status === 204 && call.method === 'GET') {
        if (!this.#begun) return;
        throw this.#incomplete('The gateway says that nothing follows, though no done or error event was received.');
      }
      if (!response.headers.get('Content-Type')?.startsWith(EVENT_STREAM) || response.body === null) {
        throw foreignAnswer(response, 'its answer is not a stream of events');
      }
      this.meta = readMeta(response.headers);
      body = response.body.getReader();
      const parser = new EventParser(this.lastSeq);
      for (;;) {
        const chunk = await this.#read(call, options, attempt, body);
        if (chunk === undefined) throw this.#cut();
        for (const raw of this.#parse(parser, chunk)) {
          const event = this.#take(decodeEvent(raw, response.headers, () => this.#unreadable(raw.name)));
          yield event;
          if (event.type !== 'done') continue;
          await drain(attempt, body);
          return;
        }
      }
    } finally {
      attempt.end();
      // A body from a fetch that does not listen to its signal would stay open otherwise.
      body?.cancel().catch(() => {});
    }
  }

  async #answer(call: Call, options: StreamOptions, attempt: Attempt, number: number): Promise<Response> {
    try {
      return await this.#transport.send(call, options, attempt, number, EVENT_STREAM);
    } catch (error) {
      // One more silence of a stream that is known to exist.
      if (this.#begun && error instanceof APITimeoutError) throw broken(error.message);
      throw error;
    }
  }

  /** Reads on, for as long as a stream may be silent; time that the caller takes between two events does not count. */
  async #read(
    call: Call,
    options: StreamOptions,
    attempt: Attempt,
    body: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<Uint8Array | undefined> {
    const idle = options.idleTimeout ?? this.#transport.config.idleTimeout;
    const silence = () => {
      const message = `${call.operation}: the stream was silent for ${idle / 1000} s.`;
      return this.#begun ? broken(message) : new APITimeoutError(message);
    };
    try {
      return (await attempt.within(idle, silence, () => body.read())).value;
    } catch (error) {
      throw this.#transport.explain(call, error, options);
    }
  }

  #parse(parser: EventParser, chunk: Uint8Array) {
    try {
      return parser.push(chunk);
    } catch (cause) {
      throw this.#incomplete(`The stream cannot be read on: ${(cause as Error).message}.`, cause);
    }
  }

  #take(event: StreamEvent): StreamEvent {
    if (event.type === 'start') {
      this.messageId = event.id;
      this.sessionKey = event.sessionKey;
    }
    this.#begun = true;
    this.#failures = 0;
    this.lastSeq = event.seq;
    return event;
  }

  #cut(): Error {
    const message = 'the stream was closed without a done or error event';
    return this.#begun ? broken(message) : new EmptyStream(`${message}, and without any other`);
  }

  #unreadable(name: string): Error {
    return this.#incomplete(`The stream's event ${JSON.stringify(name)} cannot be read.`);
  }

  #incomplete(message: string, cause?: unknown): IncompleteStreamError {
    return new IncompleteStreamError(message, { cause, messageId: this.messageId, lastSeq: this.lastSeq });
  }

  /** Turns what the last connection ended with into what the caller sees. */
  #explain(open: Call, error: unknown): unknown {
    if (!(error instanceof APIConnectionError) || !(this.#begun || error instanceof EmptyStream)) return error;
    const hint =
      this.messageId === undefined ? '' : ` client.messages.get('${this.messageId}') tells what became of it.`;
    const why = error.message.replace(/[.?]$/, '');
    return this.#incomplete(`${open.operation}: the answer was cut off: ${why}.${hint}`, error);
  }
}

/** A connection that was closed in good order before its first event. */
class EmptyStream extends APIConnectionError {}

function broken(message: string): APIConnectionError {
  return new APIConnectionError(message);
}

async function drain(attempt: Attempt, body: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const read = async () => {
    while (!(await body.read()).done);
  };
  // Whatever happens here, the answer is whole.
  await attempt.within(DRAIN, () => new Error('not drained'), read).catch(() => {});
}
