import type { Session } from '@openclaw/sdk';
import { useEffect, useRef, useState } from 'preact/hooks';
import { titleOf } from '../../state/key.js';
import { hashOf, openKey } from '../../state/route.js';
import { busy, unread } from '../../state/runs.js';
import { IconButton } from '../Button.js';
import { ago, plural } from '../format.js';
import { Trash } from '../icons.js';
import { drawerOpen } from '../overlays.js';
import { DeleteDialog } from './DeleteDialog.js';

export function SessionItem({ session }: { session: Session }) {
  const { key, channel, lastActivity, messageCount } = session;
  const item = useRef<HTMLLIElement>(null);
  const [deleting, setDeleting] = useState(false);
  const here = openKey() === key;
  const state = busy(key) ? 'busy' : unread.value.has(key) ? 'unread' : undefined;
  useEffect(() => {
    if (here) item.current?.scrollIntoView({ block: 'nearest' });
  }, [here]);
  return (
    <li ref={item} class="session-item" data-here={here}>
      <a
        href={hashOf({ view: 'chat', key })}
        title={key}
        aria-current={here ? 'page' : undefined}
        onClick={() => (drawerOpen.value = false)}
      >
        <span class="session-title">
          {state && (
            <span
              class="mark"
              data-state={state}
              role="img"
              aria-label={state === 'busy' ? 'answering' : 'new answer'}
            />
          )}
          <bdi>{titleOf(key)}</bdi>
        </span>
        <span class="session-meta">
          {ago(lastActivity)} · {plural(messageCount, 'message')}
          {channel !== 'web' && ` · ${channel}`}
        </span>
      </a>
      <IconButton label={`Delete ${titleOf(key)}`} class="session-delete" onClick={() => setDeleting(true)}>
        <Trash />
      </IconButton>
      {deleting && <DeleteDialog sessionKey={key} messageCount={messageCount} onClose={() => setDeleting(false)} />}
    </li>
  );
}
