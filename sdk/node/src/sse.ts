/** One server-sent event, as it came. */
export interface RawEvent {
  /** `message` where the stream names none. */
  name: string;
  data: string;
  /** Number of the last event that carried one, this included; 0 where none did. */
  seq: number;
}

/** What one event may take in memory, in UTF-16 units. The gateway's are a thousand times smaller. */
const MAX_EVENT_SIZE = 16 * 1024 * 1024;

/**
 * Takes a stream of server-sent events apart as the HTML standard says: lines end with LF, CR or CRLF, a byte order mark
 * at the start is skipped, comments and unknown fields are ignored, and what no empty line follows is not an event.
 */
export class EventParser {
  // Not fatal: the standard replaces bytes that are no UTF-8. Skips a byte order mark by itself.
  readonly #decoder = new TextDecoder();
  #rest = '';
  #afterCR = false;
  #name = '';
  #data: string[] = [];
  #size = 0;
  #seq: number;
  #pendingSeq: number;

  /** @param seq - number of the last event received on an earlier connection, else 0 */
  constructor(seq = 0) {
    this.#seq = seq;
    this.#pendingSeq = seq;
  }

  /**
   * Takes the next bytes.
   *
   * @returns the events that these bytes complete
   * @throws RangeError for an event of over 16 Mi characters
   */
  push(chunk: Uint8Array): RawEvent[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const events: RawEvent[] = [];
    let start = 0;
    if (this.#afterCR && text !== '') {
      // The first half of a CRLF has ended its line already, since waiting here would have held the event back.
      if (text[0] === '\n') start = 1;
      this.#afterCR = false;
    }
    const lineEnd = /[\r\n]/g;
    lineEnd.lastIndex = start;
    for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
      this.#line(this.#rest + text.slice(start, end.index), events);
      this.#rest = '';
      start = end.index + 1;
      if (end[0] === '\r') {
        if (start === text.length) this.#afterCR = true;
        else if (text[start] === '\n') start += 1;
      }
      lineEnd.lastIndex = start;
    }
    this.#rest += text.slice(start);
    this.#check(this.#rest.length);
    return events;
  }

  #line(line: string, events: RawEvent[]): void {
    if (line === '') {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') {
      this.#name = value;
    } else if (field === 'data') {
      this.#check(value.length);
      this.#size += value.length;
      this.#data.push(value);
    } else if (field === 'id' && /^\d{1,15}$/.test(value)) {
      // The gateway numbers its events; an id that is no number could not be resumed from.
      this.#pendingSeq = Number(value);
    }
  }

  #dispatch(events: RawEvent[]): void {
    this.#seq = this.#pendingSeq;
    if (this.#data.length > 0) {
      events.push({ name: this.#name || 'message', data: this.#data.join('\n'), seq: this.#seq });
    }
    this.#name = '';
    this.#data = [];
    this.#size = 0;
  }

  #check(more: number): void {
    if (this.#size + more > MAX_EVENT_SIZE) throw new RangeError('an event of over 16 Mi characters');
  }
}
