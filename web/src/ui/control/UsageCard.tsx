import type { Session } from '@openclaw/sdk';
import { useEffect } from 'preact/hooks';
import { titleOf } from '../../state/key.js';
import { hashOf } from '../../state/route.js';
import { forbidden, sessions } from '../../state/sessions.js';
import { COUNTED_UNASKED, countUsage, usageOf } from '../../state/usage.js';
import { ago, count, tokens } from '../format.js';

const SHOWN = 12;

/** The newest sessions and what they have used. */
export function UsageCard() {
  const newest = sessions.value.slice(0, SHOWN);
  return (
    <section class="card wide" aria-labelledby="usage-title">
      <header class="card-head">
        <h2 id="usage-title">Newest sessions</h2>
      </header>
      {newest.length === 0 ? (
        <p class="muted">{forbidden.value ? 'This token may not list sessions.' : 'There are none yet.'}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="table-frame" tabIndex={0} aria-label="Newest sessions, as a table">
          <table class="usage">
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">Channel</th>
                <th scope="col" class="number">
                  Messages
                </th>
                <th scope="col" class="number">
                  Tokens
                </th>
                <th scope="col" class="number">
                  Active
                </th>
              </tr>
            </thead>
            <tbody>
              {newest.map((session) => (
                <Row key={session.key} session={session} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Row({ session }: { session: Session }) {
  const { key, channel, lastActivity, messageCount } = session;
  return (
    <tr>
      <td class="usage-key">
        <a href={hashOf({ view: 'chat', key })} title={key}>
          <bdi>{titleOf(key)}</bdi>
        </a>
      </td>
      <td>{channel}</td>
      <td class="number">{count(messageCount)}</td>
      <td class="number">
        <Used session={session} />
      </td>
      <td class="number">{ago(lastActivity)}</td>
    </tr>
  );
}

function Used({ session }: { session: Session }) {
  const used = usageOf(session);
  const unasked = used === undefined && session.messageCount <= COUNTED_UNASKED;
  useEffect(() => {
    if (unasked) void countUsage(session);
  }, [unasked, session]);
  if (used === 'counting' || unasked) return <span class="muted">counting…</span>;
  if (used === undefined || used === 'failed') {
    return (
      <button type="button" class="link" title="Reads the whole history" onClick={() => void countUsage(session)}>
        {used === 'failed' ? 'Try again' : 'Count'}
      </button>
    );
  }
  return <>{tokens(used)}</>;
}
