import { secondsUntil } from '../../state/clock.js';
import { type LimitClass, limits } from '../../state/limits.js';
import { findPermissions, type Permission, permissions } from '../../state/permissions.js';
import { count } from '../format.js';
import { Check, Close } from '../icons.js';

const allows: Record<Permission, string> = {
  chat: 'send messages, stop answers',
  sessions: 'list, read and delete sessions',
};

const classes: Record<LimitClass, string> = { chat: 'Messages', read: 'Everything else' };

/** What this tab's token may do, and how often. */
export function TokenCard() {
  const lacking = (Object.keys(allows) as Permission[]).filter((p) => permissions.value[p] === false);
  return (
    <section class="card" aria-labelledby="token-title">
      <header class="card-head">
        <h2 id="token-title">This token</h2>
        <button type="button" class="button small" onClick={() => void findPermissions()}>
          Ask again
        </button>
      </header>
      <ul class="permissions">
        {(Object.keys(allows) as Permission[]).map((p) => (
          <PermissionRow key={p} name={p} />
        ))}
      </ul>
      {lacking.length > 0 && (
        <p class="fine">
          To allow more, add {lacking.map((p) => `"${p}"`).join(' and ')} to its <code>permissions</code> under{' '}
          <code>api.tokens</code> in the configuration. The gateway takes it up by itself; then ask again.
        </p>
      )}
      <h3>Limits</h3>
      {(Object.keys(classes) as LimitClass[]).map((c) => (
        <Meter key={c} of={c} />
      ))}
    </section>
  );
}

function PermissionRow({ name }: { name: Permission }) {
  const has = permissions.value[name];
  return (
    <li data-has={has}>
      {has === undefined ? <span class="icon" /> : has ? <Check /> : <Close />}
      <code>{name}</code>
      <span class="muted">{has === undefined ? 'asking…' : has ? allows[name] : `not allowed: ${allows[name]}`}</span>
    </li>
  );
}

function Meter({ of }: { of: LimitClass }) {
  const standing = limits.value[of];
  if (!standing) {
    return (
      <div class="meter-row">
        <p>
          {classes[of]}
          <span class="muted">not used in this tab yet</span>
        </p>
      </div>
    );
  }
  const seconds = secondsUntil(standing.resetAt);
  const remaining = seconds === 0 ? standing.limit : standing.remaining;
  const low = remaining < standing.limit / 10;
  return (
    <div class="meter-row">
      <p>
        {classes[of]}
        <span class="muted">
          <strong>{count(remaining)}</strong> of {count(standing.limit)} left
          {seconds > 0 && `, all of them again in ${seconds} s`}
        </span>
      </p>
      <progress
        class="meter"
        data-low={low}
        value={remaining}
        max={standing.limit}
        aria-label={`${classes[of]}: requests left`}
      />
    </div>
  );
}
