import { now } from '../../state/clock.js';
import { titleOf } from '../../state/key.js';
import { hashOf } from '../../state/route.js';
import type { Run } from '../../state/run.js';
import { liveRuns, stop } from '../../state/runs.js';
import { duration } from '../format.js';

/** How much of an answer's end is shown, in characters. */
const TAIL = 160;

/** The answers that are being written, as far as this browser knows of them. */
export function RunsCard() {
  const live = liveRuns.value;
  return (
    <section class="card wide" aria-labelledby="runs-title">
      <header class="card-head">
        <h2 id="runs-title">Answers being written</h2>
        <span class="muted">{live.length > 0 && live.length}</span>
      </header>
      {live.length === 0 ? (
        <p class="muted">None that were asked for in this browser.</p>
      ) : (
        <ul class="runs">
          {live.map((run) => (
            <RunRow key={run.sessionKey} run={run} />
          ))}
        </ul>
      )}
    </section>
  );
}

function RunRow({ run }: { run: Run }) {
  const content = run.content.value;
  const seconds = Math.max(0, Math.floor((now.value - run.startedAt) / 1000));
  const words = content === '' ? 'no text yet' : content.slice(-TAIL).replace(/\s+/g, ' ');
  return (
    <li>
      <div class="run-words">
        <a href={hashOf({ view: 'chat', key: run.sessionKey })}>{titleOf(run.sessionKey)}</a>
        <span class="fine">
          {run.phase} · {duration(seconds)}
        </span>
        <p class="run-tail">
          <bdi>{content.length > TAIL ? `…${words}` : words}</bdi>
        </p>
      </div>
      <button type="button" class="button small" onClick={() => void stop(run)}>
        Stop
      </button>
    </li>
  );
}
