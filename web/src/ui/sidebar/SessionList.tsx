import { useEffect, useRef } from 'preact/hooks';
import {
  forbidden,
  found,
  hasMore,
  listProblem,
  loaded,
  loading,
  loadMoreSessions,
  query,
  refreshSessions,
  searched,
  sessions,
} from '../../state/sessions.js';
import { plural } from '../format.js';
import { SessionItem } from './SessionItem.js';

export function SessionList() {
  const list = found.value;
  return (
    <div class="session-list" id="session-list">
      <ul>
        {list.map((session) => (
          <SessionItem key={session.key} session={session} />
        ))}
      </ul>
      <More />
      <ListNote empty={list.length === 0} />
    </div>
  );
}

/** Loads the next page as soon as it comes into sight. */
function More() {
  const end = useRef<HTMLDivElement>(null);
  const wanted = hasMore.value && query.value === '' && listProblem.value === undefined;
  const { length } = sessions.value;
  // Observed anew after each page: an end that is still in sight does not come into sight again.
  useEffect(() => {
    if (!wanted || end.current === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void loadMoreSessions();
      },
      { root: end.current.closest('.session-list'), rootMargin: '400px' },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [wanted, length]);
  return <div ref={end} class="list-end" />;
}

function ListNote({ empty }: { empty: boolean }) {
  if (forbidden.value) {
    return <p class="list-note">This token may not list sessions. What you say here is still kept by the gateway.</p>;
  }
  // A gateway that is away is told of above the page, and asked again by itself.
  if (listProblem.value && listProblem.value.code !== 'CONNECTION') {
    const again = hasMore.value ? loadMoreSessions : refreshSessions;
    return (
      <p class="list-note">
        {listProblem.value.title}.{' '}
        <button type="button" class="link" onClick={() => void again()}>
          Try again
        </button>
      </p>
    );
  }
  if (query.value.trim() !== '') {
    if (loading.value || searched.value !== query.value) return <p class="list-note">Searching…</p>;
    const all = plural(sessions.value.length, 'session');
    if (empty && !hasMore.value) return <p class="list-note">None of {all} has that in its key.</p>;
    return hasMore.value ? (
      <p class="list-note">
        Searched {all}.{' '}
        <button type="button" class="link" onClick={() => void loadMoreSessions()}>
          Search more
        </button>
      </p>
    ) : null;
  }
  if (loading.value) return <p class="list-note">Loading…</p>;
  return empty && loaded.value ? <p class="list-note">No sessions yet. Your first message opens one.</p> : null;
}
