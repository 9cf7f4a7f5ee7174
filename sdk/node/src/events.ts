import { apiError, parseEnvelope } from './errors.js';
import type { RawEvent } from './sse.js';
import type { DeltaEvent, DoneEvent, StartEvent, StreamEvent } from './types.js';

/**
 * Makes an event of what was sent. Fields that are not known pass through.
 *
 * @param headers - of the answer that the event came in
 * @param unreadable - makes the error for an event that is not what the contract says
 * @throws APIError for the event `error`
 */
export function decodeEvent(raw: RawEvent, headers: Headers, unreadable: () => Error): StreamEvent {
  const { name, seq } = raw;
  const data = parseJson(raw.data);
  switch (name) {
    case 'start':
    case 'delta':
    case 'done':
      if (!isObject(data)) throw unreadable();
      return { ...(data as unknown as StartEvent | DeltaEvent | DoneEvent), type: name, seq } as StreamEvent;
    case 'error': {
      const detail = parseEnvelope(data);
      if (detail === undefined) throw unreadable();
      throw apiError({ ...detail, headers, requestId: headers.get('X-Request-Id') ?? undefined });
    }
    default:
      return { type: 'unknown', event: name, data: data === undefined ? raw.data : data, seq };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(data: unknown): boolean {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
