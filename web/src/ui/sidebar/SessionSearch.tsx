import { useRef } from 'preact/hooks';
import { query, search } from '../../state/sessions.js';
import { Search } from '../icons.js';
import { SEARCH } from '../shortcuts.js';

export function SessionSearch() {
  const pending = useRef(0);
  const onInput = (text: string) => {
    query.value = text; // what is loaded is searched at once
    clearTimeout(pending.current);
    pending.current = setTimeout(() => void search(text), 200) as unknown as number;
  };
  return (
    <search class="search">
      <Search />
      <input
        id={SEARCH}
        type="search"
        placeholder="Search sessions"
        aria-label="Search sessions by key"
        autocomplete="off"
        spellcheck={false}
        value={query.value}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          onInput('');
          event.currentTarget.blur();
        }}
      />
    </search>
  );
}
