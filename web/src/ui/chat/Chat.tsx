import { useEffect, useMemo } from 'preact/hooks';
import { secondsUntil } from '../../state/clock.js';
import { type Conversation, conversation } from '../../state/conversation.js';
import { modelless } from '../../state/gateway.js';
import type { Problem } from '../../state/problem.js';
import { runs } from '../../state/runs.js';
import { NoModel } from '../NoModel.js';
import { ProblemCard } from '../ProblemCard.js';
import { newSession } from '../shortcuts.js';
import { ChatHeader } from './ChatHeader.js';
import { Composer } from './Composer.js';
import { Thread } from './Thread.js';
import { Welcome } from './Welcome.js';

/** One session, or the beginning of a new one. */
export function Chat({ sessionKey }: { sessionKey: string | undefined }) {
  return (
    <section class="chat" aria-label="Conversation">
      <ChatHeader sessionKey={sessionKey} />
      {sessionKey === undefined ? <Welcome /> : <Session key={sessionKey} sessionKey={sessionKey} />}
      <Composer key={`composer ${sessionKey ?? ''}`} sessionKey={sessionKey} />
    </section>
  );
}

function Session({ sessionKey }: { sessionKey: string }) {
  const c = useMemo(() => conversation(sessionKey), [sessionKey]);
  const run = runs.value.get(sessionKey);
  const phase = c.phase.value;
  if (run === undefined && phase === 'missing') return <Missing />;
  if (run === undefined && phase === 'failed' && c.problem.value) {
    return <Failed conversation={c} problem={c.problem.value} />;
  }
  if (run === undefined && phase === 'loading') return <Loading />;
  // Of a session that has no message yet, the only one may have been taken back.
  if (run === undefined && c.messages.value.length === 0) return c.unrecorded.value ? <Unreadable /> : <Welcome />;
  return (
    <Thread conversation={c} run={run}>
      {modelless.value && <NoModel />}
    </Thread>
  );
}

/** Says why there is nothing to see, and tries again by itself where the gateway said when. */
function Failed({ conversation: c, problem }: { conversation: Conversation; problem: Problem }) {
  const { retryAt } = problem;
  useEffect(() => {
    if (retryAt === undefined) return;
    const timer = setTimeout(() => void c.refresh(), Math.max(0, retryAt - Date.now()));
    return () => clearTimeout(timer);
  }, [c, retryAt]);
  const seconds = retryAt === undefined ? 0 : secondsUntil(retryAt);
  return (
    <div class="middle">
      <ProblemCard problem={problem}>
        <button type="button" class="button" disabled={seconds > 0} onClick={() => void c.refresh()}>
          {seconds > 0 ? `Tries again in ${seconds} s` : 'Try again'}
        </button>
      </ProblemCard>
    </div>
  );
}

function Loading() {
  return (
    <div class="middle" role="status" aria-label="Loading the conversation">
      <div class="skeleton" />
      <div class="skeleton short" />
      <div class="skeleton" />
    </div>
  );
}

function Unreadable() {
  return (
    <div class="middle empty">
      <h2>This token may not read what was said</h2>
      <p class="muted">
        It lacks the permission <code>sessions</code>. A message from here still goes on with this session, and its
        answer is shown.
      </p>
    </div>
  );
}

function Missing() {
  return (
    <div class="middle empty">
      <h2>There is no such session</h2>
      <p class="muted">It was deleted, or belongs to another workspace. A message sent from here would open it anew.</p>
      <p>
        <button type="button" class="button" onClick={newSession}>
          New session
        </button>
      </p>
    </div>
  );
}
