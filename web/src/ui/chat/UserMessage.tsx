import type { Message } from '@openclaw/sdk';
import { awaited } from '../../state/activity.js';
import { send } from '../../state/runs.js';
import { CopyButton, IconButton } from '../Button.js';
import { fullTime, timeOf } from '../format.js';
import { Again, Pencil } from '../icons.js';
import { insertion } from './insertion.js';

interface UserMessageProps {
  message: Message;
  /** Nothing follows it. */
  unanswered: boolean;
  sessionKey: string;
}

export function UserMessage({ message, unanswered, sessionKey }: UserMessageProps) {
  return (
    <article class="message user" aria-label="You">
      <Said text={message.content} />
      <footer class="message-foot">
        <time dateTime={message.timestamp} title={fullTime(message.timestamp)}>
          {timeOf(message.timestamp)}
        </time>
        <CopyButton text={() => message.content} label="Copy" />
        <IconButton label="Edit and send again" onClick={() => (insertion.value = message.content)}>
          <Pencil />
        </IconButton>
      </footer>
      {unanswered && !awaited.value && (
        <p class="unanswered">
          There is no answer to this.{' '}
          <button type="button" class="link" onClick={() => send(sessionKey, message.content)}>
            <Again /> Ask again
          </button>
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
