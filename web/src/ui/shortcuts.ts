import { go, lastChat, openKey, route } from '../state/route.js';
import { runs, stop } from '../state/runs.js';
import { found } from '../state/sessions.js';
import { drawerOpen, helpOpen, openDrawer } from './overlays.js';

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export const COMMAND = MAC ? '⌘' : 'Ctrl';
export const ALT = MAC ? '⌥' : 'Alt';

/** Where the focus goes: elements carry these ids. */
export const COMPOSER = 'composer';
export const SEARCH = 'search';

export function focus(id: string): void {
  // After what is being shown now has been drawn.
  requestAnimationFrame(() => {
    const element = document.getElementById(id);
    element?.focus();
    if (element instanceof HTMLInputElement) element.select();
  });
}

export function newSession(): void {
  drawerOpen.value = false;
  go({ view: 'chat', key: undefined });
  focus(COMPOSER);
}

/** Listens for the keys that work everywhere. Returns what ends it. */
export function installShortcuts(): () => void {
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.isComposing || event.defaultPrevented) return;
  const action = actionFor(event);
  if (!action) return;
  event.preventDefault();
  action();
}

function actionFor(event: KeyboardEvent): (() => void) | undefined {
  const command = event.ctrlKey || event.metaKey;
  if (document.querySelector('dialog[open]')) return undefined;
  if (command && !event.altKey && event.code === 'KeyK') {
    return () => {
      openDrawer();
      focus(SEARCH);
    };
  }
  if (event.altKey && !command) {
    // There ⌥ and a letter write ñ, ń and others, which somebody who types needs more.
    if (MAC && isTyping(event.target) && event.code.startsWith('Key')) return undefined;
    return altAction(event.code);
  }
  if (command) return undefined;
  if (event.key === 'Escape') return escapeAction();
  if (isTyping(event.target)) return undefined;
  if (event.key === '/') return () => focus(COMPOSER);
  if (event.key === '?') {
    return () => {
      helpOpen.value = true;
    };
  }
  return undefined;
}

function altAction(code: string): (() => void) | undefined {
  // By the key's place, since Alt makes other characters of letters on some keyboards.
  switch (code) {
    case 'KeyN':
      return newSession;
    case 'KeyG':
      return () => go(route.value.view === 'control' ? lastChat() : { view: 'control' });
    case 'ArrowUp':
      return () => step(-1);
    case 'ArrowDown':
      return () => step(1);
    default:
      return undefined;
  }
}

function escapeAction(): (() => void) | undefined {
  if (drawerOpen.value) {
    return () => {
      drawerOpen.value = false;
    };
  }
  const run = runs.value.get(openKey() ?? '');
  if (run && run.phase.value !== 'ended') return () => void stop(run);
  return undefined;
}

function step(by: number): void {
  const list = found.value;
  const at = list.findIndex((s) => s.key === openKey());
  const next = list[at < 0 ? 0 : at + by];
  if (next) go({ view: 'chat', key: next.key });
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
