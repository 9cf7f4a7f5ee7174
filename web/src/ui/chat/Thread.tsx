import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Conversation } from '../../state/conversation.js';
import type { Run } from '../../state/run.js';
import { Down } from '../icons.js';
import { type Group, groupsOf } from './groups.js';
import { LiveAnswer } from './LiveAnswer.js';
import { MessageGroup } from './MessageGroup.js';
import { ScrollKeeper } from './scroll.js';

interface ThreadProps {
  conversation: Conversation;
  run: Run | undefined;
  /** An answer is expected that cannot be followed from here. */
  awaited: boolean;
  children?: ComponentChildren;
}

export function Thread({ conversation: c, run, awaited, children }: ThreadProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [keeper, setKeeper] = useState<ScrollKeeper | undefined>(undefined);
  const [atEnd, setAtEnd] = useState(true);
  const groups = useRef<Group[]>([]);
  groups.current = groupsOf(c.messages.value, c.prepended.value, groups.current);

  useLayoutEffect(() => {
    if (!scroller.current) return;
    const created = new ScrollKeeper(scroller.current, setAtEnd);
    created.toEnd();
    setKeeper(created);
    return () => created.end();
  }, []);
  // What somebody has just said, they want to see.
  useEffect(() => {
    if (run?.prompt !== undefined && run.phase.value === 'sending') keeper?.toEnd();
  }, [run, keeper]);

  const lastId = c.messages.value.at(-1)?.id;
  const recorded = run !== undefined && c.messages.value.slice(-2).some((m) => m.id === run.messageId.value);
  return (
    <div class="thread-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div ref={scroller} class="thread" tabIndex={0} role="log" aria-label="Messages" aria-live="off">
        <div class="thread-column">
          <Older conversation={c} scroller={scroller.current} />
          {groups.current.map((group) => (
            <MessageGroup
              key={group.id}
              group={group}
              keeper={keeper}
              lastId={lastId}
              busy={run !== undefined && !recorded}
              sessionKey={c.key}
            />
          ))}
          <Tail keeper={keeper}>
            {run && <LiveAnswer key={run.startedAt} run={run} recorded={recorded} />}
            {!run && awaited && <p class="waiting">An answer to this is being written elsewhere…</p>}
            {children}
          </Tail>
        </div>
      </div>
      {!atEnd && (
        <button type="button" class="to-end" aria-label="To the newest message" onClick={() => keeper?.toEnd(true)}>
          <Down />
        </button>
      )}
    </div>
  );
}

/** What grows at the thread's end. */
function Tail({ keeper, children }: { keeper: ScrollKeeper | undefined; children: ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => (element.current ? keeper?.watch(element.current) : undefined), [keeper]);
  return (
    <div ref={element} class="tail">
      {children}
    </div>
  );
}

/** Loads older messages as somebody comes near to them. */
function Older({ conversation: c, scroller }: { conversation: Conversation; scroller: HTMLElement | null }) {
  const element = useRef<HTMLDivElement>(null);
  const more = c.hasOlder.value;
  const first = c.messages.value[0]?.id;
  // Observed anew once a page has come: a sentinel that is still near does not come near again.
  useEffect(() => {
    if (!more || !element.current || !scroller) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void c.loadOlder();
      },
      { root: scroller, rootMargin: '1200px 0px 0px' },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [more, first, scroller]);
  if (!more) return null;
  return (
    <div ref={element} class="older">
      {c.problem.value ? (
        <button type="button" class="link" onClick={() => void c.loadOlder()}>
          {c.problem.value.title}. Try again
        </button>
      ) : (
        'Loading older messages…'
      )}
    </div>
  );
}
