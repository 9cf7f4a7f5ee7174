import { NotFoundError, PermissionDeniedError } from '@openclaw/sdk';
import { effect } from '@preact/signals';
import { now } from './clock.js';
import { conversation, dropConversation } from './conversation.js';
import { addToDraft, draftOf } from './drafts.js';
import { checkStatus, gateway, modelless, noteFailure, reachable, token } from './gateway.js';
import { findPermissions, permissions } from './permissions.js';
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
    permissions.value = {};
    void findPermissions();
  });
  effect(() => {
    if (token.value !== undefined) show(openKey());
  });
  effect(() => {
    if (token.value !== undefined) sendUnsent();
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

/** Sees messages through that a reload interrupted, whatever is shown now. */
function sendUnsent(): void {
  for (const run of runs.peek().values()) if (run.messageId.peek() === undefined) void follow(run);
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

/** Loads what is new in the open session when the list says that it has grown, or that it is not there any more. */
function watchCounts(): void {
  let seen = '';
  effect(() => {
    const open = sessions.value.find((s) => s.key === openKey());
    if (!open) {
      const key = openKey();
      if (key !== undefined && seen.startsWith(`${key} `) && !busy(key)) void conversation(key).refresh();
      seen = '';
      return;
    }
    const now = `${open.key} ${open.messageCount} ${open.lastActivity}`;
    const grown = seen.startsWith(`${open.key} `) && seen !== now;
    seen = now;
    if (grown && runs.peek().get(open.key)?.following === undefined) void conversation(open.key).refresh();
  });
}

/** Milliseconds that an answer may take. */
const PATIENCE = 15 * 60_000;

/** Whether a session may be waiting for an answer that this tab cannot follow, as another machine has asked for it. */
export function awaited(key: string): boolean {
  const c = conversation(key);
  const last = c.messages.value.at(-1);
  if (forbidden.value || last?.role !== 'user' || last.id === c.unanswered.value) return false;
  return now.value - Date.parse(last.timestamp) < PATIENCE;
}

async function lookForAnswer(): Promise<void> {
  const key = openKey();
  if (key !== undefined && !runs.peek().has(key) && awaited(key)) await conversation(key).refresh();
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
      void hearDeleted(key);
      break;
    case 'asks': {
      const run = runs.peek().get(key);
      const messageId = run?.messageId.peek();
      if (messageId !== undefined && run?.phase.peek() !== 'ended') tell({ type: 'began', sessionKey: key, messageId });
      break;
    }
  }
}

/** The other tab's token may belong to another workspace, where a session of the same key is another one: so this asks. */
async function hearDeleted(key: string): Promise<void> {
  try {
    await gateway().sessions.get(key);
    return;
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof PermissionDeniedError)) return void noteFailure(error);
  }
  const draft = draftOf(key);
  forget(key);
  // It was the session that somebody wanted to be rid of, not what is being typed here.
  if (draft !== '') addToDraft(undefined, draft);
}

/** Forgets a session that has been deleted, and leaves it. */
export function forget(key: string): void {
  dropSession(key);
  dropRuns(key);
  dropConversation(key);
  if (openKey() === key) go({ view: 'chat', key: undefined });
}
