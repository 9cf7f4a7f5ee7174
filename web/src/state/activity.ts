import { effect, signal } from '@preact/signals';
import { conversation, dropConversation } from './conversation.js';
import { checkStatus, modelless, reachable, token } from './gateway.js';
import { findPermissions } from './permissions.js';
import { go, openKey, route } from './route.js';
import { busy, dropRuns, follow, join, leave, liveRuns, lookAt, markRead, runs } from './runs.js';
import { dropSession, forbidden, refreshSessions, sessions } from './sessions.js';
import { listen, tell } from './tabs.js';

/** Milliseconds between two looks. */
const LIST = 10_000;
const STATUS = 15_000;
const STATUS_WATCHED = 5_000;
const RUNS = 2_500;

/**
 * Keeps what is shown true: loads what the address names, follows its answer, hears what other tabs do, and looks from
 * time to time, while somebody can see it, what others have done.
 */
export function start(): void {
  effect(() => {
    if (token.value === undefined) return;
    void checkStatus();
    void refreshSessions();
    void findPermissions();
  });
  effect(() => {
    if (token.value !== undefined) show(openKey());
  });
  effect(() => {
    if (token.value !== undefined && route.value.view === 'control') void checkStatus();
  });
  catchUpOnReconnect();
  every(LIST, refreshSessions);
  every(STATUS_WATCHED, async () => {
    const watched = route.value.view === 'control' || modelless.value;
    if (watched || Date.now() - lastStatus >= STATUS) {
      lastStatus = Date.now();
      await checkStatus();
    }
  });
  every(RUNS, async () => {
    await Promise.all(liveRuns.peek().map(lookAt));
    await lookForAnswer();
  });
  watchCounts();
  listen(hear);
}

let lastStatus = Date.now();

/** Calls `look` at an interval, while the page is seen, the gateway answers, and somebody is signed in. */
function every(ms: number, look: () => Promise<void>): void {
  const step = async () => {
    if (!document.hidden && token.peek() !== undefined && reachable.peek()) await look();
    setTimeout(step, ms);
  };
  setTimeout(step, ms);
}

let shown: string | undefined;

function show(key: string | undefined): void {
  const before = shown;
  shown = key;
  if (before !== undefined && before !== key) {
    const run = runs.peek().get(before);
    if (run) leave(run);
  }
  if (key === undefined) return;
  markRead(key);
  const run = runs.peek().get(key);
  if (run) void follow(run);
  // Whoever is about to open this session by sending to it knows that there is nothing to load.
  if (run?.messageId.peek() !== undefined || run === undefined) void conversation(key).refresh();
  if (run === undefined) tell({ type: 'asks', sessionKey: key });
}

function catchUpOnReconnect(): void {
  let down = false;
  effect(() => {
    const up = reachable.value;
    if (up && down && token.peek() !== undefined) {
      void checkStatus();
      void refreshSessions();
      if (shown !== undefined && !busy(shown)) void conversation(shown).refresh();
    }
    down = !up;
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || token.peek() === undefined) return;
    void checkStatus();
    void refreshSessions();
  });
}

/** Loads what is new in the open session when the list says that it has grown. */
function watchCounts(): void {
  let seen = '';
  effect(() => {
    const open = sessions.value.find((s) => s.key === openKey());
    if (!open) return;
    const now = `${open.key} ${open.messageCount} ${open.lastActivity}`;
    const grown = seen.startsWith(`${open.key} `) && seen !== now;
    seen = now;
    if (grown && runs.peek().get(open.key)?.following === undefined) void conversation(open.key).refresh();
  });
}

/** True while the open session waits for an answer that this tab cannot follow, as another machine has asked for it. */
export const awaited = signal(false);

async function lookForAnswer(): Promise<void> {
  const key = openKey();
  if (key === undefined || forbidden.peek() || busy(key) || runs.peek().has(key)) {
    awaited.value = false;
    return;
  }
  const c = conversation(key);
  const last = c.messages.peek().at(-1);
  const age = last ? Date.now() - Date.parse(last.timestamp) : Number.POSITIVE_INFINITY;
  awaited.value = last?.role === 'user' && age < 15 * 60_000;
  if (awaited.value) await c.refresh();
}

function hear(message: Parameters<Parameters<typeof listen>[0]>[0]): void {
  if (token.peek() === undefined) return;
  const key = message.sessionKey;
  switch (message.type) {
    case 'began': {
      const run = join(key, message.messageId);
      if (run && key === shown) void follow(run);
      break;
    }
    case 'changed':
      if (key === shown && !busy(key)) void conversation(key).refresh();
      void refreshSessions();
      break;
    case 'deleted':
      forget(key);
      break;
    case 'asks': {
      const run = runs.peek().get(key);
      const messageId = run?.messageId.peek();
      if (messageId !== undefined && run?.phase.peek() !== 'ended') tell({ type: 'began', sessionKey: key, messageId });
      break;
    }
  }
}

/** Forgets a session that has been deleted, and leaves it. */
export function forget(key: string): void {
  dropSession(key);
  dropRuns(key);
  dropConversation(key);
  if (openKey() === key) go({ view: 'chat', key: undefined });
}
