import type { Message } from '@openclaw/sdk';
import { conversation } from '../../state/conversation.js';
import { permissions } from '../../state/permissions.js';
import { describe } from '../../state/problem.js';
import { send } from '../../state/runs.js';
import { CopyButton, IconButton } from '../Button.js';
import { fullTime, timeOf, tokens } from '../format.js';
import { Again } from '../icons.js';
import { ProblemCard } from '../ProblemCard.js';
import { Markdown } from './Markdown.js';

interface AssistantMessageProps {
  message: Message;
  /** Nothing follows it. */
  last: boolean;
  sessionKey: string;
}

export function AssistantMessage({ message, last, sessionKey }: AssistantMessageProps) {
  const { content, error, model, timestamp, usage } = message;
  return (
    <article class="message assistant" aria-label="Assistant" data-last={last}>
      <Markdown text={content} />
      {error?.code === 'CANCELLED' && <p class="stopped">Stopped</p>}
      {error && error.code !== 'CANCELLED' && <ProblemCard problem={describe(error)} />}
      <footer class="message-foot">
        <CopyButton text={() => content} label="Copy as Markdown" />
        {last && permissions.value.chat !== false && (
          <IconButton label="Ask again" onClick={() => askAgain(sessionKey, message)}>
            <Again />
          </IconButton>
        )}
        <span class="message-facts">
          <time dateTime={timestamp} title={fullTime(timestamp)}>
            {timeOf(timestamp)}
          </time>
          {model && <span>{model}</span>}
          {usage && (
            <span title={usage.estimated ? 'The gateway’s estimate: the provider gave no figures' : 'Tokens'}>
              {tokens({ input: usage.inputTokens, output: usage.outputTokens, estimated: usage.estimated === true })}
            </span>
          )}
        </span>
      </footer>
    </article>
  );
}

/** Says again what this was the answer to. */
function askAgain(sessionKey: string, answer: Message): void {
  const messages = conversation(sessionKey).messages.value;
  const question = messages.slice(0, messages.indexOf(answer)).findLast((m) => m.role === 'user');
  if (question) send(sessionKey, question.content);
}
