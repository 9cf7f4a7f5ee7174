import type { Message } from '@openclaw/sdk';

/** Messages that are shown, measured and put aside together. */
export interface Group {
  /** Stays with its messages when older ones are put before them. */
  id: number;
  messages: readonly Message[];
  /** When the message before the first was sent. */
  after: string | undefined;
}

const SIZE = 20;

/**
 * Cuts a history into groups.
 *
 * @param prepended - how many of the messages were put before the one that was first at first
 * @param before - what the same function returned last: groups that have not changed stay the same objects
 */
export function groupsOf(messages: readonly Message[], prepended: number, before: readonly Group[]): Group[] {
  const known = new Map(before.map((group) => [group.id, group]));
  const groups: Group[] = [];
  for (let start = 0; start < messages.length; ) {
    const id = Math.floor((start - prepended) / SIZE);
    const end = Math.min(messages.length, (id + 1) * SIZE + prepended);
    const fresh: Group = { id, messages: messages.slice(start, end), after: messages[start - 1]?.timestamp };
    const old = known.get(id);
    groups.push(old && equal(old, fresh) ? old : fresh);
    start = end;
  }
  return groups;
}

function equal(a: Group, b: Group): boolean {
  return (
    a.after === b.after && a.messages.length === b.messages.length && a.messages.every((m, i) => m === b.messages[i])
  );
}
