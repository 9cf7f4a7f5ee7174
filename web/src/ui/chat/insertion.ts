import { signal } from '@preact/signals';

/** Text on its way into the message box; undefined once it is there. */
export const insertion = signal<string | undefined>(undefined);
