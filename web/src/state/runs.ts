import {
  APIConnectionError,
  APIError,
  IncompleteStreamError,
  NotFoundError,
  RateLimitError,
  type StreamEvent,
  UnavailableError,
} from '@openclaw/sdk';
import { batch, computed, signal } from '@preact/signals';
import { pause } from './clock.js';
import { conversation } from './conversation.js';
import { addToDraft } from './drafts.js';
import { gateway, noteFailure, reconnect } from './gateway.js';
import { describe, problemOf } from './problem.js';
import { openKey } from './route.js';
import { Run, type RunRecord } from './run.js';
import { refreshSessions } from './sessions.js';
import { recallJson, rememberJson } from './storage.js';
import { tell } from './tabs.js';

/** The newest run of each session that this tab knows one of, by the session's key. */
export const runs = signal<ReadonlyMap<string, Run>>(new Map(restored().map((run) => [run.sessionKey, run])));

export const liveRuns = computed(() => [...runs.value.values()].filter((run) => run.phase.value !== 'ended'));

/** Sessions whose answer ended while another one was shown. */
export const unread = signal<ReadonlySet<string>>(new Set());

function restored(): Run[] {
  return (recallJson<RunRecord[]>('runs') ?? []).map((record) => new Run(record));
}

function persist(): void {
  rememberJson(
    'runs',
    [...runs.peek().values()].map((run) => run.record),
  );
}

function put(run: Run): void {
  runs.value = new Map(runs.peek()).set(run.sessionKey, run);
  persist();
}

function remove(run: Run): void {
  if (runs.peek().get(run.sessionKey) !== run) return;
  const rest = new Map(runs.peek());
  rest.delete(run.sessionKey);
  runs.value = rest;
  persist();
}

/** Whether an answer is being written, or about to be, in a session. */
export function busy(sessionKey: string | undefined): boolean {
  const run = sessionKey === undefined ? undefined : runs.value.get(sessionKey);
  return run !== undefined && run.phase.value !== 'ended';
}

/**
 * Sends a message. It is kept until the gateway has it: a connection that breaks, a reload, a limit reached only delay
 * it, and the idempotency key sees to it that it arrives once.
 */
export function send(sessionKey: string, prompt: string, idempotencyKey = crypto64()): void {
  const run = new Run({ sessionKey, prompt, idempotencyKey, startedAt: Date.now() });
  put(run);
  void follow(run);
}

/** Sends what failed once more. The gateway knows it by its key and does not store the message twice. */
export function retry(run: Run): void {
  if (run.prompt === undefined) return;
  send(run.sessionKey, run.prompt, run.idempotencyKey);
}

/** Forgets a run that has ended, with its problem. */
export function dismiss(run: Run): void {
  run.following?.abort();
  remove(run);
}

/** Takes up an answer that somebody else has asked for. */
export function join(sessionKey: string, messageId: string): Run | undefined {
  const known = runs.peek().get(sessionKey);
  if (known && (known.phase.peek() !== 'ended' || known.messageId.peek() === messageId)) return undefined;
  const run = new Run({ sessionKey, messageId, startedAt: Date.now() });
  put(run);
  return run;
}

/**
 * Stops an answer; what came of it is kept. One that has not begun is stopped as soon as it has, and a message that the
 * gateway did not take goes back to where it was typed.
 */
export async function stop(run: Run): Promise<void> {
  run.stopWanted = true;
  const id = run.messageId.peek();
  if (run.phase.peek() === 'waiting') {
    takeBack(run);
    return;
  }
  if (run.phase.peek() !== 'ended') run.phase.value = 'stopping';
  if (id === undefined) return;
  try {
    await gateway().messages.cancel(id);
  } catch (error) {
    noteFailure(error);
    if (run.phase.peek() === 'stopping') run.phase.value = 'streaming';
    run.stopWanted = false;
  }
}

/** Puts a message that the gateway did not take back to where it was typed. */
function takeBack(run: Run): void {
  batch(() => {
    dismiss(run);
    if (run.prompt !== undefined) addToDraft(run.sessionKey, run.prompt);
  });
}

/** Lets go of a run's connection; the answer goes on. Browsers allow few connections, so a tab follows one at a time. */
export function leave(run: Run): void {
  // A message that is not acknowledged yet is seen through first.
  if (run.messageId.peek() !== undefined && !run.over) run.following?.abort();
}

/** Follows a run to its end, over as many connections as that takes. */
export async function follow(run: Run): Promise<void> {
  // One that was let go of may still be on its way out.
  if ((run.following && !run.following.signal.aborted) || run.phase.peek() === 'ended') return;
  const stopped = new AbortController();
  run.following = stopped;
  try {
    while (!stopped.signal.aborted) {
      try {
        await connect(run, stopped.signal);
        if (stopped.signal.aborted) return;
        run.over = true;
        await finish(run);
        return;
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (!(await recover(run, error, stopped.signal))) return;
      }
    }
  } catch (error) {
    if (!stopped.signal.aborted) await fail(run, error);
  } finally {
    run.flush();
    if (run.following === stopped) run.following = undefined;
  }
}

/** Opens one connection and takes its events. Returns behind the last one of the run. */
async function connect(run: Run, signal: AbortSignal): Promise<void> {
  const { sessionKey, prompt, idempotencyKey } = run;
  const id = run.messageId.peek();
  const stream =
    id === undefined
      ? gateway().stream({ message: prompt ?? '', sessionKey }, { idempotencyKey, signal })
      : gateway().messages.stream(id, { after: run.seq }, { signal });
  for await (const event of stream) take(run, event);
}

function take(run: Run, event: StreamEvent): void {
  run.failures = 0;
  if (run.phase.peek() !== 'stopping') run.phase.value = 'streaming';
  if (event.type === 'start') run.rewind(); // what was looked up meanwhile is told again
  run.seq = event.seq;
  if (event.type === 'start') begin(run, event.id);
  else if (event.type === 'delta') run.add(event.content);
  else if (event.type === 'done') run.done = event;
}

/** The gateway has the message: it is in the history, and the answer has a name. */
function begin(run: Run, messageId: string): void {
  const first = run.messageId.peek() === undefined;
  run.wait.value = undefined;
  run.messageId.value = messageId;
  if (first) {
    persist();
    tell({ type: 'began', sessionKey: run.sessionKey, messageId });
    if (run.stopWanted) void stop(run);
  }
  void showRecorded(run);
}

/** Shows the message as the history has it, in place of the copy that was shown until now. */
async function showRecorded(run: Run): Promise<void> {
  const c = conversation(run.sessionKey);
  await c.refresh();
  if (c.phase.peek() === 'ready' && !c.unrecorded.peek()) run.recorded.value = true;
  void refreshSessions();
}

/** Decides what becomes of a run whose connection ended with an error, and waits where that is what helps. */
async function recover(run: Run, error: unknown, signal: AbortSignal): Promise<boolean> {
  const beforeBegin = run.messageId.peek() === undefined;
  const wait = error instanceof APIError && error.status !== undefined ? error.retryAfter : undefined;
  if (error instanceof APIConnectionError || error instanceof IncompleteStreamError) {
    run.phase.value = 'reconnecting';
    await reconnect();
    // Where the gateway answers and the connection breaks all the same, it is not to be asked without a pause.
    await pause(run.failures === 0 ? 0 : Math.min(250 * 2 ** run.failures, 8000), signal);
    run.failures++;
    return true;
  }
  if (wait !== undefined && (error instanceof RateLimitError || (error instanceof UnavailableError && wait <= 60))) {
    if (beforeBegin && run.stopWanted) {
      takeBack(run);
      return false;
    }
    batch(() => {
      run.phase.value = beforeBegin ? 'waiting' : 'reconnecting';
      run.wait.value = problemOf(error);
    });
    await pause(wait * 1000 + 50, signal);
    return true;
  }
  await fail(run, error);
  return false;
}

/** The run is over and whole, or what became of it has to be asked for. */
async function finish(run: Run): Promise<void> {
  run.flush();
  if (run.done === undefined && run.messageId.peek() !== undefined) {
    const message = await gateway().messages.get(run.messageId.peek() ?? '');
    if (message.error) run.problem.value = describe(message.error);
  }
  await conclude(run);
}

/** Looks how a run is doing that this tab does not follow. */
export async function lookAt(run: Run): Promise<void> {
  const id = run.messageId.peek();
  if (id === undefined || run.following || run.phase.peek() === 'ended') return;
  try {
    const message = await gateway().messages.get(id);
    if (run.following) return;
    run.show(message.content);
    if (message.running) {
      if (run.phase.peek() === 'reconnecting') run.phase.value = 'streaming';
      return;
    }
    if (message.error && message.error.code !== 'CANCELLED') run.problem.value = describe(message.error);
    await conclude(run);
  } catch (error) {
    if (error instanceof NotFoundError) remove(run);
    else noteFailure(error);
  }
}

/** Marks the answers of a session as seen. */
export function markRead(sessionKey: string): void {
  if (!unread.peek().has(sessionKey)) return;
  const rest = new Set(unread.peek());
  rest.delete(sessionKey);
  unread.value = rest;
}

/** Forgets all about a session that is gone. */
export function dropRuns(sessionKey: string): void {
  const run = runs.peek().get(sessionKey);
  if (run) dismiss(run);
}

async function fail(run: Run, error: unknown): Promise<void> {
  run.flush();
  run.over = true;
  const gone = error instanceof NotFoundError && run.messageId.peek() !== undefined;
  const problem = noteFailure(error);
  // A run of which nothing is left to tell: its session is gone, or another token's.
  if (!gone) run.problem.value = problem;
  if (problem.code === 'CANCELLED') run.problem.value = undefined;
  await conclude(run, error);
}

async function conclude(run: Run, error?: unknown): Promise<void> {
  const c = conversation(run.sessionKey);
  const begun = run.messageId.peek() !== undefined;
  if (begun) await c.refresh();
  batch(() => {
    const last = c.messages.peek().at(-1);
    if (begun && last?.role === 'user' && last.content === (run.prompt ?? last.content)) c.giveUp(last.id);
    if (openKey() !== run.sessionKey && c.phase.peek() !== 'missing')
      unread.value = new Set(unread.peek()).add(run.sessionKey);
    if (c.unrecorded.peek()) recordHere(run, error);
    run.recorded.value = begun && c.phase.peek() === 'ready';
    run.phase.value = 'ended';
    if (run.problem.peek() === undefined) remove(run);
  });
  persist();
  tell({ type: 'changed', sessionKey: run.sessionKey });
  void refreshSessions();
}

/** Where the token may not read the history, the conversation is what this tab has seen of it. */
function recordHere(run: Run, error: unknown): void {
  const id = run.messageId.peek();
  if (id === undefined) return;
  const timestamp = new Date(run.startedAt).toISOString();
  const content = run.content.peek();
  const c = conversation(run.sessionKey);
  if (run.prompt !== undefined)
    c.append({ id: `${id}-asked`, role: 'user', content: run.prompt, timestamp, status: 'complete' });
  if (content === '' && error !== undefined) return;
  c.append({
    id,
    role: 'assistant',
    content,
    timestamp: run.done?.createdAt ?? new Date().toISOString(),
    status: run.done ? 'complete' : 'incomplete',
    ...(run.done && { model: run.done.model, usage: run.done.usage }),
  });
}

function crypto64(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}
