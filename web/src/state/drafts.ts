import { recall, remember } from './storage.js';

/** What was typed and not sent, per session; '' stands for the one that is not there yet. */
const name = (key: string | undefined) => `draft.${key ?? ''}`;

export function draftOf(key: string | undefined): string {
  return recall(name(key)) ?? '';
}

export function saveDraft(key: string | undefined, text: string): void {
  remember(name(key), text);
}

export function forgetDraft(key: string | undefined): void {
  remember(name(key), undefined);
}
