import { signal } from '@preact/signals';

/** On narrow screens the sidebar lies over the page, while this is true. */
export const drawerOpen = signal(false);

export const helpOpen = signal(false);
