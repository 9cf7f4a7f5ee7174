import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { dayOf } from '../format.js';
import { AssistantMessage } from './AssistantMessage.js';
import type { Group } from './groups.js';
import type { ScrollKeeper } from './scroll.js';
import { UserMessage } from './UserMessage.js';

export interface MessageGroupProps {
  group: Group;
  keeper: ScrollKeeper | undefined;
  /** Of the message behind which nothing comes, where it is in this group and nothing is being written. */
  lastId: string | undefined;
  sessionKey: string;
}

/** How far out of sight, in pixels, a group is put aside. */
const FAR = 2500;

/** Some messages. Far out of sight only their height remains, so that ten thousand cost no more than a few dozen. */
export function MessageGroup({ group, keeper, lastId, sessionKey }: MessageGroupProps) {
  const element = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<number | undefined>(undefined);
  useLayoutEffect(() => {
    const { current } = element;
    if (!current || !keeper) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry) setHeight(entry.isIntersecting ? undefined : entry.boundingClientRect.height);
      },
      { root: current.closest('.thread'), rootMargin: `${FAR}px 0px` },
    );
    observer.observe(current);
    const unwatch = keeper.watch(current);
    return () => {
      observer.disconnect();
      unwatch();
    };
  }, [keeper]);

  if (height !== undefined) return <div ref={element} class="group" style={{ height: `${height}px` }} />;
  return (
    <div ref={element} class="group">
      {group.messages.map((message, i) => {
        const before = group.messages[i - 1]?.timestamp ?? group.after;
        const day = dayOf(message.timestamp);
        const last = message.id === lastId;
        return (
          <div key={message.id} class="entry">
            {(before === undefined || dayOf(before) !== day) && <p class="day">{day}</p>}
            {message.role === 'user' ? (
              <UserMessage message={message} unanswered={last} sessionKey={sessionKey} />
            ) : (
              <AssistantMessage message={message} last={last} sessionKey={sessionKey} />
            )}
          </div>
        );
      })}
    </div>
  );
}
