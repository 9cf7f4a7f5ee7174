import type { DoneEvent } from '@openclaw/sdk';
import { signal } from '@preact/signals';
import type { Problem } from './problem.js';

/**
 * `sending`: not acknowledged yet; `streaming`: being written; `stopping`: asked to end; `reconnecting`: the connection
 * is gone, the answer goes on in the gateway; `waiting`: will be sent once `wait` is over; `ended`: over, see `problem`.
 */
export type RunPhase = 'sending' | 'streaming' | 'stopping' | 'reconnecting' | 'waiting' | 'ended';

/** What of a run outlives a reload. */
export interface RunRecord {
  sessionKey: string;
  /** What was said; undefined for a run that another tab began. */
  prompt?: string | undefined;
  idempotencyKey?: string | undefined;
  messageId?: string | undefined;
  startedAt: number;
  /** Why it ended; undefined while it goes on. */
  problem?: Problem | undefined;
}

/** One answer in the making, as this tab sees it. */
export class Run {
  readonly phase = signal<RunPhase>('sending');
  readonly messageId = signal<string | undefined>(undefined);
  /** The answer so far. */
  readonly content = signal('');
  readonly problem = signal<Problem | undefined>(undefined);
  /** Why the gateway did not take it yet, with the time to try again. */
  readonly wait = signal<Problem | undefined>(undefined);
  /** The history has what was said, so it need not be shown from here. */
  readonly recorded = signal(false);

  /** Number of the last event seen. */
  seq = 0;
  /** Connections in a row that brought no event. */
  failures = 0;
  done: DoneEvent | undefined;
  /** Somebody wants it stopped. */
  stopWanted = false;
  /** Its last event has been seen; what is left is to look up what the history has. */
  over = false;
  /** Set while this tab follows it. */
  following: AbortController | undefined;

  readonly sessionKey: string;
  readonly prompt: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly startedAt: number;

  #unseen = '';
  #scheduled = false;

  constructor(record: RunRecord) {
    this.sessionKey = record.sessionKey;
    this.prompt = record.prompt;
    this.idempotencyKey = record.idempotencyKey;
    this.startedAt = record.startedAt;
    this.messageId.value = record.messageId;
    this.problem.value = record.problem;
    if (record.problem) this.phase.value = 'ended';
    else if (record.messageId !== undefined) this.phase.value = 'streaming';
    this.recorded.value = record.messageId !== undefined;
  }

  get record(): RunRecord {
    const { sessionKey, prompt, idempotencyKey, startedAt } = this;
    const [messageId, problem] = [this.messageId.peek(), this.problem.peek()];
    return { sessionKey, prompt, idempotencyKey, messageId, startedAt, problem };
  }

  /** Adds a piece of the answer. Pieces may come by the hundred a second; they are shown together, a frame at a time. */
  add(text: string): void {
    this.#unseen += text;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden tab draws no frames.
    if (document.hidden) setTimeout(() => this.flush(), 200);
    else requestAnimationFrame(() => this.flush());
  }

  /** Shows all that has come. */
  flush(): void {
    this.#scheduled = false;
    if (this.#unseen === '') return;
    this.content.value += this.#unseen;
    this.#unseen = '';
  }

  /** Shows the whole of what there is, as somebody who looks in from time to time learns it. */
  show(content: string): void {
    this.rewind();
    this.content.value = content;
  }

  /** Forgets what has come, to have it told again from the first event. */
  rewind(): void {
    this.#unseen = '';
    this.content.value = '';
    this.seq = 0;
  }
}
