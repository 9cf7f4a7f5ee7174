import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import {
  APIConnectionError,
  APIError,
  APITimeoutError,
  IncompleteStreamError,
  InvalidArgumentError,
  metaOf,
  OpenClaw,
} from '@openclaw/sdk';
import { INTERNALS } from '../dist/esm/internals.js';
import { fields } from './support/fields.mjs';
import { operationIds } from './support/spec.mjs';
import { sameJson, VectorServer } from './support/vector-server.mjs';

// Runs spec/vectors; the README there says what each member means.

const folder = new URL('../../../spec/vectors/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const vectors = files.flatMap((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')).vectors);

test('the vectors cover every operation', () => {
  assert.ok(vectors.length > 0);
  assert.equal(new Set(vectors.map((v) => v.name)).size, vectors.length, 'a name is there twice');
  const called = new Set(vectors.map((v) => v.call.operation));
  assert.deepEqual(
    operationIds().filter((id) => !called.has(id)),
    [],
  );
});

describe('vectors', () => {
  for (const vector of vectors) test(vector.name, { timeout: 20_000 }, () => run(vector));
});

async function run(vector) {
  fields(vector, ['name', 'about', 'env', 'client', 'call', 'exchanges', 'waits', 'expect']);
  const server = new VectorServer(vector.exchanges ?? []);
  const url = await server.listen();
  const closed = await closedAddress();
  const fill = (text) => text?.replace('{server}', url).replace('{closed}', closed);
  setEnvironment(Object.entries(vector.env ?? {}).map(([name, value]) => [name, fill(value)]));
  const waits = [];
  let got;
  try {
    got = await perform(() => clientOf(vector.client ?? {}, fill, waits, server), vector.call);
  } finally {
    await server.finish();
  }
  const want = vector.waits ?? [];
  assert.equal(waits.length, want.length, `waited ${waits}`);
  for (const [i, [least, most]] of want.entries()) {
    assert.ok(waits[i] >= least && waits[i] <= most, `wait ${i} is ${waits[i]} s, not ${least} to ${most}`);
  }
  checkOutcome(vector.expect, got);
}

function clientOf(options, fill, waits, server) {
  fields(options, ['baseUrl', 'apiKey', 'channel', 'maxRetries', 'timeout']);
  const given = (name, otherwise) => (options[name] === undefined ? otherwise : (options[name] ?? undefined));
  const apiKey = given('apiKey', 'test-token');
  server.expectKey(apiKey ?? process.env.OPENCLAW_API_KEY);
  const ms = options.timeout && options.timeout * 1000;
  return new OpenClaw({
    baseUrl: fill(given('baseUrl', '{server}')),
    apiKey,
    channel: options.channel,
    maxRetries: options.maxRetries,
    timeout: ms,
    idleTimeout: ms,
    ...{ [INTERNALS]: { random: Math.random, sleep: async (wait) => void waits.push(wait / 1000) } },
  });
}

function setEnvironment(variables) {
  for (const name of Object.keys(process.env)) if (name.startsWith('OPENCLAW_')) delete process.env[name];
  for (const [name, value] of variables) process.env[name] = value;
}

async function closedAddress() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** Makes the call and records what it came to, in the form of `expect`. */
async function perform(connect, call) {
  fields(call, ['operation', 'params', 'page', 'take']);
  const operation = operations[call.operation];
  assert.ok(operation, `this runner does not know the operation ${call.operation}`);
  try {
    return await operation(connect(), call.params ?? {}, call);
  } catch (error) {
    return { error: describeError(error) };
  }
}

const operations = {
  chat: (c, { idempotencyKey, ...request }) => result(c.chat(request, { idempotencyKey })),
  chatStream: (c, { idempotencyKey, ...request }, { take }) =>
    loop('events', c.stream(request, { idempotencyKey }), take, flatten),
  listSessions: (c, query, { page, take }) =>
    page ? result(c.sessions.listPage(query)) : loop('items', c.sessions.list(query), take),
  getSession: (c, { key }) => result(c.sessions.get(key)),
  getHistory: (c, { key, ...query }, { page, take }) =>
    page ? result(c.sessions.historyPage(key, query)) : loop('items', c.sessions.history(key, query), take),
  deleteSession: (c, { key }) => result(c.sessions.delete(key)),
  getMessage: (c, { id }) => result(c.messages.get(id)),
  streamMessage: (c, { id, after }, { take }) => loop('events', c.messages.stream(id, { after }), take, flatten),
  cancelMessage: (c, { id }) => result(c.messages.cancel(id)),
  getStatus: (c) => result(c.status()),
  getOpenapi: (c) => result(c.openapi()),
  // The vectors say that probes return nothing; these return the little that is answered.
  healthz: (c) => result(c.health().then(() => null)),
  readyz: (c) => result(c.ready().then(() => null)),
};

async function result(promise) {
  const value = await promise;
  const meta = value && metaOf(value);
  return {
    result: value ?? null,
    meta: meta && {
      requestId: meta.requestId ?? null,
      replayed: meta.replayed,
      rateLimit: meta.rateLimit ? { ...meta.rateLimit, reset: meta.rateLimit.reset.toISOString() } : null,
    },
  };
}

async function loop(kind, iterable, take, form = (item) => item) {
  const list = [];
  try {
    for await (const item of iterable) {
      list.push(form(item));
      if (list.length === take) break;
    }
  } catch (error) {
    return { [kind]: list, error: describeError(error) };
  }
  return { [kind]: list };
}

function flatten(event) {
  if (event.type !== 'unknown') return event;
  const isObject = typeof event.data === 'object' && event.data !== null && !Array.isArray(event.data);
  return { ...(isObject ? event.data : { data: event.data }), type: event.event, seq: event.seq };
}

function describeError(error) {
  if (error instanceof APIError) {
    const { code, status, reason, message, retryAfter, requestId } = error;
    return { kind: 'api', code, status, reason, message, retryAfter, requestId };
  }
  if (error instanceof APITimeoutError) return { kind: 'timeout' };
  if (error instanceof APIConnectionError) return { kind: 'connection' };
  if (error instanceof IncompleteStreamError) return { kind: 'incomplete_stream' };
  if (error instanceof InvalidArgumentError) return { kind: 'argument' };
  throw error;
}

function checkOutcome(want, got) {
  fields(want, ['result', 'meta', 'items', 'events', 'error']);
  assert.ok('result' in want || want.items || want.events || want.error, 'this vector expects nothing');
  assert.equal(Boolean(got.error), Boolean(want.error), JSON.stringify(got));
  for (const [name, value] of Object.entries(want.error ?? {})) assert.equal(got.error[name] ?? null, value, name);
  for (const [name, value] of Object.entries(want.meta ?? {})) same(got.meta?.[name], value);
  if ('result' in want) same(got.result, want.result);
  if (want.items) same(got.items, want.items);
  if (want.events) {
    assert.equal(got.events?.length, want.events.length, JSON.stringify(got.events));
    for (const [i, event] of want.events.entries()) {
      const { seq, ...rest } = got.events[i];
      same('seq' in event ? { ...rest, seq } : rest, event);
    }
  }
}

function same(got, want) {
  assert.ok(sameJson(got, want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}
