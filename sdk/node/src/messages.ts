import { pathOf, QUICK } from './call.js';
import { InvalidArgumentError } from './errors.js';
import { streamMessageCall } from './follower.js';
import type { RequestOptions, StreamOptions } from './options.js';
import { randomKey } from './runtime.js';
import { ChatStream } from './stream.js';
import type { Transport } from './transport.js';
import type { MessageView } from './types.js';

/** Single answers, by their id. Needs the permission `chat`; for reading, `sessions` will do. */
export class Messages {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Gets a message. One that is being written has `running: true` and what there is of it so far.
   *
   * Operation: getMessage
   *
   * @throws NotFoundError where there is none of that id
   */
  async get(id: string, options: RequestOptions = {}): Promise<MessageView> {
    const path = pathOf('/messages/', 'message id', id);
    return this.#transport.json({ operation: 'getMessage', method: 'GET', path, timeout: QUICK }, options);
  }

  /**
   * Streams the events of an answer that follow the one numbered `after`, and goes on to the answer's end: for a second
   * reader, or after a restart. Yields nothing where that event is the last.
   *
   * Operation: streamMessage
   *
   * @param query.after - `seq` of the last event received; 0, the default, for all events
   */
  stream(id: string, query: { after?: number | undefined } = {}, options: StreamOptions = {}): ChatStream {
    const after = query.after ?? 0;
    const open = () => {
      if (!Number.isSafeInteger(after) || after < 0) {
        throw new InvalidArgumentError(`after is ${after}: give the seq of an event, a whole number from 0.`);
      }
      return streamMessageCall(id, after);
    };
    return new ChatStream(this.#transport, open, options, { messageId: id, after });
  }

  /**
   * Stops the answer that is being written, and returns it as it then is. A message that is not being written is
   * returned unchanged.
   *
   * Operation: cancelMessage
   *
   * @throws NotFoundError where there is none of that id
   */
  async cancel(id: string, options: RequestOptions = {}): Promise<MessageView> {
    const path = pathOf('/messages/', 'message id', id, '/cancel');
    const headers = { 'Idempotency-Key': randomKey() };
    return this.#transport.json({ operation: 'cancelMessage', method: 'POST', path, headers, timeout: QUICK }, options);
  }
}
