import { useRef, useState } from 'preact/hooks';
import { secondsUntil } from '../state/clock.js';
import { signedOut, signIn } from '../state/gateway.js';
import { type Problem, problemOf } from '../state/problem.js';
import { Logo } from './icons.js';
import { ProblemCard } from './ProblemCard.js';

export function SignIn() {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<Problem | undefined>(signedOut.value);
  const [asking, setAsking] = useState(false);
  const wait = problem?.retryAt === undefined ? 0 : secondsUntil(problem.retryAt);

  const submit = async (event: Event) => {
    event.preventDefault();
    const secret = input.current?.value.trim() ?? '';
    if (secret === '' || asking) return input.current?.focus();
    setAsking(true);
    try {
      await signIn(secret);
    } catch (error) {
      setProblem(wordsFor(problemOf(error)));
      input.current?.select();
    } finally {
      setAsking(false);
    }
  };

  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>OpenClaw</h1>
        <p class="muted">Sign in to this gateway with one of its tokens.</p>
        {problem && <ProblemCard problem={problem} />}
        <label for="token">Token</label>
        <input
          id="token"
          ref={input}
          class="field"
          type="password"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="oc_…"
          autofocus
        />
        <button type="submit" class="button primary" disabled={asking || wait > 0}>
          {wait > 0 ? `Try again in ${wait} s` : asking ? 'Signing in…' : 'Sign in'}
        </button>
        <details class="sign-in-help">
          <summary>Where do I find a token?</summary>
          <p>
            In the gateway’s configuration, under <code>api.tokens</code>. The first start has written one to{' '}
            <code>~/.openclaw/openclaw.yaml</code>. This makes another:
          </p>
          <pre>openclaw token create --name me --write</pre>
        </details>
        <p class="fine">The token stays in this tab and is forgotten when you close it.</p>
      </form>
    </main>
  );
}

function wordsFor(problem: Problem): Problem {
  if (problem.code === 'UNAUTHORIZED') {
    return {
      code: problem.code,
      title: 'This gateway does not know that token',
      advice: 'Compare it with api.tokens in the configuration: capital letters count.',
    };
  }
  if (problem.code === 'RATE_LIMITED') {
    return { ...problem, title: 'Too many tries', advice: 'Wait for the minute to pass, then try again.' };
  }
  if (problem.code === 'PAGE') {
    return { ...problem, title: 'That cannot be a token', advice: 'Tokens have no spaces, line ends or accents.' };
  }
  return problem;
}
