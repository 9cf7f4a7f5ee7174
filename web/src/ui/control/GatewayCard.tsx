import { now } from '../../state/clock.js';
import { checkStatus, latency, reachable, status, statusAt } from '../../state/gateway.js';
import { count, duration } from '../format.js';

export function GatewayCard() {
  const s = status.value;
  const state = reachable.value ? (s?.status ?? 'unknown') : 'down';
  const words = { healthy: 'Healthy', degraded: 'Degraded', down: 'No answer', unknown: 'Asking…' }[state];
  const age = Math.max(0, Math.floor((now.value - statusAt.value) / 1000));
  return (
    <section class="card" aria-labelledby="gateway-title">
      <header class="card-head">
        <h2 id="gateway-title">Health</h2>
        <span class="pill" data-state={state}>
          <span class="dot" data-state={state} aria-hidden="true" />
          {words}
        </span>
      </header>
      {reachable.value && s?.reasons && (
        <ul class="reasons">
          {s.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {s && (
        <dl class="facts">
          <Fact
            name="Model"
            value={s.model.provider === 'offline' ? 'none' : `${s.model.provider} / ${s.model.model}`}
          />
          <Fact name="Up for" value={duration(s.uptime + (reachable.value ? age : 0))} />
          <Fact name="Active sessions" value={count(s.activeSessions)} />
          <Fact name="Version" value={s.version} />
          {latency.value !== undefined && (
            <Fact name="Answers in" value={`${Math.max(1, Math.round(latency.value))} ms`} />
          )}
        </dl>
      )}
      <footer class="card-foot">
        <span class="fine">{statusAt.value > 0 && `Asked ${age < 2 ? 'just now' : `${duration(age)} ago`}`}</span>
        <button type="button" class="button small" onClick={() => void checkStatus()}>
          Ask now
        </button>
      </footer>
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
