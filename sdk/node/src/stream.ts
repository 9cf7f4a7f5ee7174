import type { Call } from './call.js';
import { IncompleteStreamError, InvalidArgumentError } from './errors.js';
import { Follower } from './follower.js';
import type { Meta } from './meta.js';
import type { StreamOptions } from './options.js';
import type { Transport } from './transport.js';
import type { ChatResponse, DoneEvent, StreamEvent } from './types.js';

/** Where a stream that is taken up again begins. */
export interface ResumePoint {
  messageId: string;
  after: number;
}

/**
 * An answer as it is written, to be iterated once:
 *
 * ```ts
 * for await (const event of client.stream({ message: 'A poem' })) {
 *   if (event.type === 'delta') process.stdout.write(event.content);
 * }
 * ```
 *
 * Nothing is sent before the first step. The events are one `start`, any number of `delta`, and one `done`; a loop that
 * ends without an error has seen the whole answer. A connection that breaks is replaced and the answer taken up where it
 * broke off. Breaking out of the loop closes the connection; the answer is still written to the session's history,
 * unless the request says `onDisconnect: 'cancel'`.
 *
 * Iterating throws an {@link APIError} where the gateway reports a failure, {@link IncompleteStreamError} where the
 * stream is lost for good, {@link APIConnectionError} where it never began.
 */
export class ChatStream implements AsyncIterable<StreamEvent> {
  readonly #follower: Follower;
  readonly #stop = new AbortController();
  #taken = false;

  /** @internal */
  constructor(transport: Transport, open: () => Call, options: StreamOptions, from?: ResumePoint) {
    this.#follower = new Follower(transport, open, options, this.#stop.signal, from);
  }

  /** Id of the assistant's message; undefined until the `start` event. */
  get messageId(): string | undefined {
    return this.#follower.messageId;
  }

  /** The session's key; undefined until the `start` event. */
  get sessionKey(): string | undefined {
    return this.#follower.sessionKey;
  }

  /** Number of the last event received, 0 before the first: with the id, all that {@link Messages.stream} needs. */
  get lastSeq(): number {
    return this.#follower.lastSeq;
  }

  /** What the headers of the newest connection told; undefined before there is one. */
  get meta(): Meta | undefined {
    return this.#follower.meta;
  }

  /**
   * Closes the connection from outside of the loop, which then ends as if it had been broken out of. What becomes of the
   * answer is up to `onDisconnect`; {@link Messages.cancel} stops it for certain.
   */
  close(): void {
    this.#stop.abort();
  }

  /** @throws InvalidArgumentError the second time: an answer is not kept here, and a message is not sent twice. */
  [Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    if (this.#taken) {
      throw new InvalidArgumentError(
        'This stream has been iterated already. Keep what you need of it, or begin another.',
      );
    }
    this.#taken = true;
    return this.#follower.events();
  }

  /**
   * Iterates to the end and joins the pieces.
   *
   * @returns the answer, as {@link OpenClaw.chat} gives it; of a stream taken up after some event, `content` is the rest
   * @throws what iterating throws, and IncompleteStreamError where the stream was closed before its end
   */
  async collect(): Promise<ChatResponse> {
    let content = '';
    let end: DoneEvent | undefined;
    for await (const event of this) {
      if (event.type === 'delta') content += event.content ?? '';
      // Not the time to leave the loop: that would close a connection which can serve the next call.
      else if (event.type === 'done') end = event;
    }
    if (end !== undefined) {
      const { type: _, seq: __, ...done } = end;
      return { ...done, content };
    }
    throw new IncompleteStreamError('The stream had no done event left to give.', {
      messageId: this.messageId,
      lastSeq: this.lastSeq,
    });
  }
}
