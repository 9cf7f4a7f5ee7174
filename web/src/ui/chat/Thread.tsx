import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Conversation } from '../../state/conversation.js';
import type { Run } from '../../state/run.js';
import { Down } from '../icons.js';
import { type Group, groupsOf } from './groups.js';
import { LiveAnswer } from './LiveAnswer.js';
import { MessageGroup, type MessageGroupProps } from './MessageGroup.js';
import { ScrollKeeper } from './scroll.js';

interface ThreadProps {
  conversation: Conversation;
  run: Run | undefined;
  children?: ComponentChildren;
}

export function Thread({ conversation: c, run, children }: ThreadProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [keeper, setKeeper] = useState<ScrollKeeper | undefined>(undefined);
  const [atEnd, setAtEnd] = useState(true);
  const groups = useRef<Group[]>([]);
  const drawings = useRef(new WeakMap<Group, VNode<MessageGroupProps>>());
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

  const newest = c.messages.value.at(-1)?.id;
  const recorded = run !== undefined && c.messages.value.slice(-2).some((m) => m.id === run.messageId.value);
  return (
    <div class="thread-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div ref={scroller} class="thread" tabIndex={0} role="log" aria-label="Messages" aria-live="off">
        <div class="thread-column">
          <Older conversation={c} scroller={scroller.current} />
          {groups.current.map((group, i) => {
            const lastId = i === groups.current.length - 1 && (run === undefined || recorded) ? newest : undefined;
            return drawn(drawings.current, { group, keeper, lastId, sessionKey: c.key });
          })}
          <Tail keeper={keeper}>
            {run && <LiveAnswer key={run.startedAt} run={run} recorded={recorded} />}
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

/** Draws a group, or gives what was drawn before where it would be the same: hundreds of groups are then no work. */
function drawn(drawings: WeakMap<Group, VNode<MessageGroupProps>>, props: MessageGroupProps): VNode<MessageGroupProps> {
  const before = drawings.get(props.group);
  const { keeper, lastId } = before?.props ?? {};
  if (before && keeper === props.keeper && lastId === props.lastId) return before;
  const drawing = <MessageGroup key={props.group.id} {...props} />;
  drawings.set(props.group, drawing);
  return drawing;
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
