import { useState } from 'preact/hooks';
import { conversation } from '../../state/conversation.js';
import { status } from '../../state/gateway.js';
import { titleOf } from '../../state/key.js';
import { permissions } from '../../state/permissions.js';
import { sessions } from '../../state/sessions.js';
import { CopyButton, IconButton } from '../Button.js';
import { plural, tokens } from '../format.js';
import { Menu, Trash } from '../icons.js';
import { openDrawer } from '../overlays.js';
import { DeleteDialog } from '../sidebar/DeleteDialog.js';

export function ChatHeader({ sessionKey }: { sessionKey: string | undefined }) {
  return (
    <header class="head">
      <IconButton label="Sessions" class="menu-button" onClick={openDrawer}>
        <Menu />
      </IconButton>
      {sessionKey === undefined ? <NewHead /> : <SessionHead sessionKey={sessionKey} />}
    </header>
  );
}

function NewHead() {
  const model = status.value?.model;
  return (
    <div class="head-words">
      <h1>New session</h1>
      {model && model.provider !== 'offline' && (
        <p class="fine">
          {model.provider} · {model.model}
        </p>
      )}
    </div>
  );
}

function SessionHead({ sessionKey }: { sessionKey: string }) {
  const [deleting, setDeleting] = useState(false);
  const session = sessions.value.find((s) => s.key === sessionKey);
  const c = conversation(sessionKey);
  const used = c.usage.value;
  // Of a session that is not in the list, what is loaded may not be all.
  const whole = c.phase.value === 'ready' && !c.hasOlder.value && !c.unrecorded.value;
  const count = session?.messageCount ?? (whole ? c.messages.value.length : undefined);
  return (
    <>
      <div class="head-words">
        <h1 title={sessionKey}>
          <bdi>{titleOf(sessionKey)}</bdi>
        </h1>
        <p class="fine">
          {count !== undefined && plural(count, 'message')}
          {used.input + used.output > 0 && (
            <span title={c.hasOlder.value ? 'Tokens of the messages loaded so far' : 'Tokens of the whole session'}>
              {count !== undefined && ' · '}
              {tokens(used)}
              {c.hasOlder.value && ' so far'}
            </span>
          )}
        </p>
      </div>
      <CopyButton text={() => sessionKey} label="Copy the session’s key" />
      {permissions.value.sessions !== false && (
        <IconButton label="Delete this session" onClick={() => setDeleting(true)}>
          <Trash />
        </IconButton>
      )}
      {deleting && <DeleteDialog sessionKey={sessionKey} messageCount={count} onClose={() => setDeleting(false)} />}
    </>
  );
}
