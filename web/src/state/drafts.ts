import { signal } from '@preact/signals';
import { recall, remember } from './storage.js';

/** What was typed and not sent, per session; '' stands for the one that is not there yet. */
const name = (key: string | undefined) => `draft.${key ?? ''}`;

/** The same as in the storage, which may be denied or full. */
const drafts = new Map<string, string>();

/** Counts the drafts that something else than typing has changed, for whoever shows one. */
export const putBack = signal(0);

export function draftOf(key: string | undefined): string {
  return drafts.get(name(key)) ?? recall(name(key)) ?? '';
}

export function saveDraft(key: string | undefined, text: string): void {
  drafts.set(name(key), text);
  remember(name(key), text);
}

export function forgetDraft(key: string | undefined): void {
  drafts.delete(name(key));
  remember(name(key), undefined);
}

/** Puts a message back into a session's draft, before anything that is there: nothing that somebody typed is lost. */
export function addToDraft(key: string | undefined, text: string): void {
  const draft = draftOf(key);
  if (draft !== text && !draft.startsWith(`${text}\n`))
    saveDraft(key, draft.trim() === '' ? text : `${text}\n\n${draft}`);
  putBack.value++;
}
