import {
  APIConnectionError,
  AuthenticationError,
  type GatewayStatus,
  OpenClaw,
  type ResponseInfo,
} from '@openclaw/sdk';
import { batch, computed, signal } from '@preact/signals';
import { pause } from './clock.js';
import { limits, noteLimits } from './limits.js';
import { type Problem, problemOf } from './problem.js';
import { forgetAll, recall, remember } from './storage.js';

/** The token of this tab, undefined while nobody has signed in. */
export const token = signal(recall('token'));

/** Why somebody who was signed in is no longer. */
export const signedOut = signal<Problem | undefined>(undefined);

/** Whether the gateway answers. */
export const reachable = signal(true);

/** The gateway's newest account of itself, and when it gave it. */
export const status = signal<GatewayStatus | undefined>(undefined);
export const statusAt = signal(0);
/** Milliseconds that the newest account took to come. */
export const latency = signal<number | undefined>(undefined);

/** True where the gateway has no model to ask. */
export const modelless = computed(() => status.value?.model.provider === 'offline');

/** The folder that the page is in: behind some proxies that is not the root. */
const baseUrl = new URL('.', location.href).href;

function connect(apiKey: string): OpenClaw {
  // No retries in the client: this page shows that it waits, and what for.
  return new OpenClaw({ baseUrl, apiKey, channel: 'web', maxRetries: 0, onResponse: observe });
}

const client = computed(() => (token.value === undefined ? undefined : connect(token.value)));

/** The client of whoever is signed in. */
export function gateway(): OpenClaw {
  if (client.value === undefined) throw new Error('nobody is signed in');
  return client.value;
}

function observe(response: ResponseInfo): void {
  if (response.status !== undefined) {
    if (response.headers) noteLimits(response.operation, response.headers);
    reachable.value = true;
  } else if (response.error instanceof APIConnectionError) {
    reachable.value = false;
    void reconnect();
  }
}

/** Takes note of a failure that concerns more than the call that met it. Every caller's catch passes here. */
export function noteFailure(error: unknown): Problem {
  const problem = problemOf(error);
  if (error instanceof AuthenticationError && token.value !== undefined) {
    batch(() => {
      remember('token', undefined);
      token.value = undefined;
      limits.value = {}; // the next token has its own
      signedOut.value = {
        ...problem,
        title: 'This token is no longer accepted',
        advice: 'It was removed from the gateway’s configuration, or changed. Drafts are kept; sign in to go on.',
      };
    });
  } else if (error instanceof APIConnectionError) {
    reachable.value = false;
    void reconnect();
  }
  return problem;
}

/**
 * Tries a token out, and keeps it in this tab where the gateway takes it.
 *
 * @throws what the gateway says against it
 */
export async function signIn(secret: string): Promise<void> {
  const account = await connect(secret).status();
  batch(() => {
    remember('token', secret);
    token.value = secret;
    signedOut.value = undefined;
    status.value = account;
    statusAt.value = Date.now();
  });
}

/** Forgets the token and all that this tab has kept under it. */
export function signOut(): void {
  forgetAll();
  // The rest of the page's memory is in many places. This is the one way to be sure of them all.
  location.replace(location.pathname);
}

/** Asks the gateway how it is. */
export async function checkStatus(): Promise<void> {
  const begun = performance.now();
  try {
    const account = await gateway().status({ timeout: 10_000 });
    batch(() => {
      status.value = account;
      statusAt.value = Date.now();
      latency.value = performance.now() - begun;
    });
  } catch (error) {
    noteFailure(error);
  }
}

let waiting: Promise<void> | undefined;

/** Resolves once the gateway answers: asks at once, then at growing intervals, and whenever the network comes back. */
export function reconnect(): Promise<void> {
  waiting ??= knock().finally(() => {
    waiting = undefined;
  });
  return waiting;
}

async function knock(): Promise<void> {
  const prober = new OpenClaw({ baseUrl, maxRetries: 0 });
  for (let ms = 400; ; ms = Math.min(ms * 1.6, 8000)) {
    try {
      await prober.health({ timeout: 5000 });
      reachable.value = true;
      return;
    } catch {
      reachable.value = false;
    }
    await pauseOrNetwork(ms);
  }
}

async function pauseOrNetwork(ms: number): Promise<void> {
  const sooner = new AbortController();
  const wake = () => sooner.abort();
  addEventListener('online', wake, { once: true });
  try {
    await pause(ms, sooner.signal);
  } catch {
    // The network is back.
  } finally {
    removeEventListener('online', wake);
  }
}
