import { type Message, NotFoundError, PermissionDeniedError } from '@openclaw/sdk';
import { batch, computed, type Signal, signal } from '@preact/signals';
import { gateway, noteFailure } from './gateway.js';
import type { Problem } from './problem.js';
import { recall, remember } from './storage.js';

const TAIL = 50;
const OLDER = 60;
/** How many conversations are kept at hand for going back and forth between them. */
const KEPT = 8;

export type Phase = 'loading' | 'ready' | 'missing' | 'failed';

/** One session's messages, as far as they are loaded: the newest at once, older ones as somebody scrolls up to them. */
export class Conversation {
  readonly messages = signal<readonly Message[]>([]);
  readonly phase = signal<Phase>('loading');
  readonly problem = signal<Problem | undefined>(undefined);
  readonly hasOlder = signal(false);
  readonly loadingOlder = signal(false);
  /** How many messages have been put before the first that was loaded, which keeps its place in groups that way. */
  readonly prepended = signal(0);
  /** True where the token may not read histories: the conversation is then only what this tab has seen. */
  readonly unrecorded = signal(false);

  /** The id of the message that is known to have got no answer, while it is the newest; other tabs' are guessed at. */
  readonly unanswered: Signal<string | undefined>;

  #asked = 0;
  #joined = 0;

  /** Tokens over all loaded messages. */
  readonly usage = computed(() => sumUsage(this.messages.value));

  constructor(readonly key: string) {
    this.unanswered = signal(recall(`unanswered.${key}`));
  }

  /** Takes note that no answer to a message will come. */
  giveUp(messageId: string): void {
    this.unanswered.value = messageId;
    remember(`unanswered.${this.key}`, messageId);
  }

  /** Loads the newest messages and joins them with what is there. */
  async refresh(): Promise<void> {
    const number = ++this.#asked;
    try {
      const { messages } = await gateway().sessions.historyPage(this.key, { limit: TAIL });
      if (number < this.#joined) return; // overtaken by one that knows more
      this.#joined = number;
      batch(() => {
        this.join(messages);
        this.phase.value = 'ready';
        this.problem.value = undefined;
        this.unrecorded.value = false;
      });
    } catch (error) {
      const problem = noteFailure(error);
      batch(() => {
        if (error instanceof PermissionDeniedError) {
          this.unrecorded.value = true;
          this.phase.value = 'ready';
        } else if (error instanceof NotFoundError) {
          this.phase.value = 'missing';
        } else if (this.phase.value !== 'ready') {
          this.problem.value = problem;
          this.phase.value = 'failed';
        }
      });
    }
  }

  async loadOlder(): Promise<void> {
    const oldest = this.messages.value[0];
    if (this.loadingOlder.value || !this.hasOlder.value || oldest === undefined) return;
    this.loadingOlder.value = true;
    try {
      const { messages } = await gateway().sessions.historyPage(this.key, { limit: OLDER, before: oldest.id });
      batch(() => {
        if (this.messages.value[0]?.id === oldest.id) {
          this.messages.value = [...messages, ...this.messages.value];
          this.prepended.value += messages.length;
          this.hasOlder.value = messages.length === OLDER;
        }
        this.problem.value = undefined;
      });
    } catch (error) {
      this.problem.value = noteFailure(error);
    } finally {
      this.loadingOlder.value = false;
    }
  }

  /** Adds messages that no history will tell of. */
  append(...messages: Message[]): void {
    this.messages.value = [...this.messages.value, ...messages];
  }

  private join(tail: readonly Message[]): void {
    const old = this.messages.value;
    const at = tail[0] ? old.findIndex((m) => m.id === tail[0]?.id) : -1;
    if (at < 0) {
      this.messages.value = tail;
      this.prepended.value = 0;
      this.hasOlder.value = tail.length === TAIL;
      return;
    }
    // A message that has not changed stays the same object, so that nothing of it is drawn again.
    const known = new Map(old.slice(at).map((m) => [m.id, m]));
    this.messages.value = [...old.slice(0, at), ...tail.map((m) => same(known.get(m.id), m))];
  }
}

function same(old: Message | undefined, fresh: Message): Message {
  return old && old.content === fresh.content && old.status === fresh.status ? old : fresh;
}

/** Tokens of several answers. */
export interface Total {
  input: number;
  output: number;
  /** Some of it is the gateway's estimate. */
  estimated: boolean;
}

export function sumUsage(messages: readonly Message[]): Total {
  const total = { input: 0, output: 0, estimated: false };
  for (const { usage } of messages) {
    if (!usage) continue;
    total.input += usage.inputTokens;
    total.output += usage.outputTokens;
    total.estimated ||= usage.estimated === true;
  }
  return total;
}

const kept = new Map<string, Conversation>();

/** The conversation of a session, loaded or not. */
export function conversation(key: string): Conversation {
  const c = kept.get(key) ?? new Conversation(key);
  kept.delete(key);
  kept.set(key, c); // the one used last stands last
  const [oldest] = kept.keys();
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
  return c;
}

/** Forgets what is loaded of a session. */
export function dropConversation(key: string): void {
  kept.delete(key);
}
