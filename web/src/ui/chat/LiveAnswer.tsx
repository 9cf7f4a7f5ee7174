import { useEffect } from 'preact/hooks';
import { now, secondsUntil } from '../../state/clock.js';
import { addToDraft } from '../../state/drafts.js';
import type { Problem } from '../../state/problem.js';
import type { Run } from '../../state/run.js';
import { dismiss, retry, stop } from '../../state/runs.js';
import { announce } from '../Announcer.js';
import { ProblemCard } from '../ProblemCard.js';
import { Markdown } from './Markdown.js';
import { Said } from './UserMessage.js';

/** After so many milliseconds without a sign of the answer it is worth saying why. */
const LONG = 3000;

interface LiveAnswerProps {
  run: Run;
  /** The history has the answer, which is shown from there. */
  recorded: boolean;
}

/** The answer that is being written, with what it answers until that is in the history; or why there is none. */
export function LiveAnswer({ run, recorded }: LiveAnswerProps) {
  const phase = run.phase.value;
  const content = run.content.value;
  const ended = phase === 'ended';
  useAnnouncements(run);
  return (
    <>
      {run.prompt !== undefined && !run.recorded.value && (
        <article class="message user" aria-label="You">
          <Said text={run.prompt} />
          {/* As high as it will be in the history, so that nothing moves when it is shown from there. */}
          <footer class="message-foot" />
        </article>
      )}
      {!ended && !recorded && (
        <article class="message assistant live" aria-label="Assistant" aria-busy="true" data-phase={phase}>
          {content !== '' && <Markdown text={content} live />}
          <Progress run={run} />
        </article>
      )}
      {ended && !recorded && run.problem.value && <Failure run={run} />}
    </>
  );
}

function Progress({ run }: { run: Run }) {
  const phase = run.phase.value;
  if (phase === 'waiting' && run.wait.value) return <Waiting run={run} problem={run.wait.value} />;
  if (phase === 'streaming' && run.content.value !== '') return <span class="caret" aria-hidden="true" />;
  const waited = now.value - run.startedAt > LONG;
  const words = {
    sending: waited ? 'Waiting for its turn…' : '',
    streaming: waited ? 'The model is thinking…' : '',
    stopping: 'Stopping…',
    reconnecting: 'The connection is gone. The answer goes on in the gateway and is taken up again.',
    waiting: '',
    ended: '',
  }[phase];
  return (
    <p class="waiting">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {words}
    </p>
  );
}

function Waiting({ run, problem }: { run: Run; problem: Problem }) {
  const seconds = secondsUntil(problem.retryAt ?? 0);
  return (
    <div class="problem calm" role="status" data-code={problem.code}>
      <div class="problem-text">
        <p class="problem-title">{problem.title}</p>
        <p>
          Your message is kept and sends itself in <strong class="countdown">{seconds} s</strong>.
        </p>
        <div class="problem-actions">
          <button type="button" class="button" onClick={() => void stop(run)}>
            Take it back
          </button>
        </div>
      </div>
    </div>
  );
}

function Failure({ run }: { run: Run }) {
  const problem = run.problem.value;
  if (!problem) return null;
  const seconds = problem.retryAt === undefined ? 0 : secondsUntil(problem.retryAt);
  const edit = () => {
    if (run.prompt !== undefined) addToDraft(run.sessionKey, run.prompt);
    dismiss(run);
  };
  return (
    <ProblemCard problem={problem}>
      {run.prompt !== undefined && (
        <>
          <button type="button" class="button primary" disabled={seconds > 0} onClick={() => retry(run)}>
            {seconds > 0 ? `Try again in ${seconds} s` : 'Try again'}
          </button>
          <button type="button" class="button" onClick={edit}>
            Edit
          </button>
        </>
      )}
      <button type="button" class="button" onClick={() => dismiss(run)}>
        Dismiss
      </button>
    </ProblemCard>
  );
}

/** Tells those who cannot see the answer grow that it begins, and that it is there; not that they have looked elsewhere. */
function useAnnouncements(run: Run): void {
  useEffect(() => {
    if (run.phase.peek() === 'ended') return;
    announce('The assistant is answering.');
    return () => {
      if (run.phase.peek() !== 'ended') return;
      const said = run.content.peek();
      announce(run.problem.peek() ? '' : `The answer is there. ${said.slice(0, 300)}`);
    };
  }, [run]);
}
