import { signal } from '@preact/signals';

/** Where the sidebar does not fit beside the page. The styles have the same width. */
const narrow = matchMedia('(max-width: 50rem)');

/** There it lies over the page, while this is true. */
export const drawerOpen = signal(false);

export const helpOpen = signal(false);

/** Brings the sidebar into sight. */
export function openDrawer(): void {
  drawerOpen.value = narrow.matches;
}

narrow.addEventListener('change', () => {
  drawerOpen.value = false;
});
