import type { Message } from '@openclaw/sdk';
import { awaited } from '../../state/activity.js';
import { addToDraft } from '../../state/drafts.js';
import { permissions } from '../../state/permissions.js';
import { send } from '../../state/runs.js';
import { CopyButton, IconButton } from '../Button.js';
import { fullTime, timeOf } from '../format.js';
import { Again, Pencil } from '../icons.js';

interface UserMessageProps {
  message: Message;
  /** Nothing follows it. */
  unanswered: boolean;
  sessionKey: string;
}

export function UserMessage({ message, unanswered, sessionKey }: UserMessageProps) {
  const mayChat = permissions.value.chat !== false;
  return (
    <article class="message user" aria-label="You">
      <Said text={message.content} />
      <footer class="message-foot">
        <time dateTime={message.timestamp} title={fullTime(message.timestamp)}>
          {timeOf(message.timestamp)}
        </time>
        <CopyButton text={() => message.content} label="Copy" />
        {mayChat && (
          <IconButton label="Edit and send again" onClick={() => addToDraft(sessionKey, message.content)}>
            <Pencil />
          </IconButton>
        )}
      </footer>
      {unanswered && (
        <p class="unanswered">
          {awaited(sessionKey)
            ? 'No answer yet. One may be on its way, if this was asked elsewhere.'
            : 'There is no answer to this.'}{' '}
          {mayChat && (
            <button type="button" class="link" onClick={() => send(sessionKey, message.content)}>
              <Again /> Ask again
            </button>
          )}
        </p>
      )}
    </article>
  );
}

/** What a person said, as they said it: no Markdown is made of it. */
export function Said({ text }: { text: string }) {
  return (
    <div class="said" dir="auto">
      {text}
    </div>
  );
}
