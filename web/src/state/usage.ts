import type { Session } from '@openclaw/sdk';
import { signal } from '@preact/signals';
import { sumUsage, type Total } from './conversation.js';
import { gateway, noteFailure } from './gateway.js';

/** Sessions up to this many messages are counted without being asked to. */
export const COUNTED_UNASKED = 100;

type Count = { at: number; total: Total } | 'counting' | 'failed';

const counts = signal<ReadonlyMap<string, Count>>(new Map());

/** What a session has used: a sum, a word for why there is none, or undefined where nobody has asked. */
export function usageOf(session: Session): Total | 'counting' | 'failed' | undefined {
  const count = counts.value.get(session.key);
  if (count === undefined || typeof count === 'string') return count;
  return count.at === session.messageCount ? count.total : undefined;
}

function put(key: string, count: Count): void {
  counts.value = new Map(counts.peek()).set(key, count);
}

/** Adds up the usage of all messages of a session. The API has no sum, so its whole history is read. */
export async function countUsage(session: Session): Promise<void> {
  if (counts.peek().get(session.key) === 'counting') return;
  put(session.key, 'counting');
  try {
    const total: Total = { input: 0, output: 0, estimated: false };
    for (let before: string | undefined; ; ) {
      const { messages } = await gateway().sessions.historyPage(session.key, { limit: 1000, before });
      const page = sumUsage(messages);
      total.input += page.input;
      total.output += page.output;
      total.estimated ||= page.estimated;
      before = messages[0]?.id;
      if (messages.length < 1000 || before === undefined) break;
    }
    put(session.key, { at: session.messageCount, total });
  } catch (error) {
    noteFailure(error);
    put(session.key, 'failed');
  }
}
