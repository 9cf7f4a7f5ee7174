import { signal } from '@preact/signals';

const announcement = signal('');

/** Says something to those who listen to the page rather than look at it. */
export function announce(text: string): void {
  announcement.value = text;
}

export function Announcer() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {announcement}
    </div>
  );
}
