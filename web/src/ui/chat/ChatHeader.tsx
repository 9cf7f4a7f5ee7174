import { useState } from 'preact/hooks';
import { conversation } from '../../state/conversation.js';
import { status } from '../../state/gateway.js';
import { titleOf } from '../../state/key.js';
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
  const count = session?.messageCount ?? c.messages.value.length;
  return (
    <>
      <div class="head-words">
        <h1 title={sessionKey}>
          <bdi>{titleOf(sessionKey)}</bdi>
        </h1>
        <p class="fine">
          {plural(count, 'message')}
          {used.input + used.output > 0 && (
            <span title={c.hasOlder.value ? 'Tokens of the messages loaded so far' : 'Tokens of the whole session'}>
              {' · '}
              {tokens(used)}
              {c.hasOlder.value && ' so far'}
            </span>
          )}
        </p>
      </div>
      <CopyButton text={() => sessionKey} label="Copy the session’s key" />
      <IconButton label="Delete this session" onClick={() => setDeleting(true)}>
        <Trash />
      </IconButton>
      {deleting && <DeleteDialog sessionKey={sessionKey} messageCount={count} onClose={() => setDeleting(false)} />}
    </>
  );
}
