import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  APIConnectionError,
  APIError,
  APITimeoutError,
  InvalidArgumentError,
  metaOf,
  OpenClaw,
  RateLimitError,
  VERSION,
} from '@openclaw/sdk';
import { INTERNALS } from '../dist/esm/internals.js';
import { bodyOf, json, reply, serve } from './support/gateway.mjs';

const ok = { status: 'healthy' };

/** A client whose waits take no time and are noted. */
function impatient(baseUrl, options = {}, random = 0.5) {
  const waits = [];
  const sleep = async (ms) => void waits.push(ms);
  return { waits, client: new OpenClaw({ baseUrl, ...options, ...{ [INTERNALS]: { sleep, random: () => random } } }) };
}

test('options that cannot be right are refused at once, with what to do', () => {
  const refused = (options, message) =>
    assert.throws(() => new OpenClaw(options), { name: 'InvalidArgumentError', message });
  refused({ baseUrl: 'localhost:3000' }, /http:\/\//);
  refused({ baseUrl: 'nonsense' }, /http:\/\/host:port/);
  refused({ baseUrl: 'http://gateway/?a=b' }, /query/);
  refused({ baseUrl: 'http://me@gateway' }, /apiKey/);
  refused({ apiKey: 'key\n' }, /line end/);
  refused({ apiKey: '' }, /empty/);
  refused({ channel: 'Web' }, /lower-case/);
  refused({ timeout: 0 }, /timeout is 0/);
  refused({ timeout: Number.NaN }, /timeout is NaN/);
  refused({ idleTimeout: -1 }, /idleTimeout is -1/);
  refused({ maxRetries: 1.5 }, /maxRetries is 1.5/);
  refused({ headers: { 'X-Bad': 'a\nb' } }, /^headers: a header cannot be sent/);
  refused({ userAgent: 'my-app\n' }, /^userAgent: a header cannot be sent/);
});

test('the options of a call are checked before anything is sent', async () => {
  const client = new OpenClaw({ fetch: () => assert.fail('sent') });
  const refused = (promise) => assert.rejects(promise, InvalidArgumentError);
  await refused(client.status({ timeout: -1 }));
  await refused(client.status({ maxRetries: -1 }));
  await refused(client.status({ headers: { 'X-Bad': 'a\nb' } }));
  await refused(client.chat({ message: 'x' }, { idempotencyKey: '' }));
  await refused(client.chat({ message: 'x' }, { idempotencyKey: 'ü' }));
  await refused(client.chat(/** @type {any} */ ('x')));
  await refused(client.chat(/** @type {any} */ ({ message: 'x', stream: true })));
  await refused(client.sessions.get('..'));
  await refused(client.sessions.get('\ud800'));
  await refused(client.sessions.get(/** @type {any} */ (undefined)));
  await refused(client.messages.stream('msg_1', { after: -1 }).collect());
  await refused(client.stream({ message: 'x' }, { idleTimeout: 0 }).collect());
});

test('a request written for the REST API fits', async (t) => {
  const url = await serve(t, async (request, response) => {
    assert.deepEqual(await bodyOf(request), { message: 'Hello', sessionKey: 's1' });
    json(response, 200, reply('Hi'));
  });
  const answer = await new OpenClaw({ baseUrl: url }).chat({ message: 'Hello', sessionKey: 's1', stream: false });
  assert.deepEqual(answer, reply('Hi'));
});

test('headers: those of the call, of the client, of the SDK', async (t) => {
  const url = await serve(t, (request, response) => json(response, 200, request.headers));
  const client = new OpenClaw({
    baseUrl: url,
    apiKey: 'k',
    headers: { a: 'client', b: 'client' },
    userAgent: 'my-app/1.2',
  });
  const seen = /** @type {any} */ (await client.status({ headers: { b: 'call', accept: 'text/html' } }));
  assert.equal(seen.a, 'client');
  assert.equal(seen.b, 'call');
  assert.equal(seen.accept, 'application/json');
  assert.equal(seen.authorization, 'Bearer k');
  assert.match(seen['user-agent'], new RegExp(`^my-app/1\\.2 openclaw-node/${VERSION} \\(node \\d+\\.`));
});

test('headers may be of the kind that fetch takes, and are those of the time the client was made', async (t) => {
  const url = await serve(t, (request, response) => json(response, 200, request.headers));
  const headers = new Headers({ a: 'client', b: 'client' });
  const client = new OpenClaw({ baseUrl: url, headers });
  headers.set('a', 'changed since');
  const seen = /** @type {any} */ (await client.status({ headers: new Headers({ b: 'call' }) }));
  assert.equal(seen.a, 'client');
  assert.equal(seen.b, 'call');
});

test('hooks see every try and never the token', async (t) => {
  let tries = 0;
  const url = await serve(t, (request, response) => {
    assert.equal(request.headers.traceparent, `trace-${++tries}`);
    assert.equal(request.headers.authorization, 'Bearer secret');
    if (tries === 1) json(response, 503, { error: { code: 'UNAVAILABLE', message: 'Starting.' } });
    else json(response, 200, ok);
  });
  const log = [];
  const { client } = impatient(url, {
    apiKey: 'secret',
    onRequest: async (request) => {
      assert.equal(request.headers.get('Authorization'), null);
      request.headers.set('traceparent', `trace-${request.attempt}`);
      log.push(`${request.operation} ${request.method} ${request.url} ${request.attempt}`);
    },
    onResponse: ({ operation, attempt, status, requestId, duration, headers }) => {
      assert.ok(duration >= 0 && headers?.get('Content-Type') === 'application/json');
      log.push(`${operation} ${attempt} ${status} ${requestId}`);
    },
  });
  await client.status();
  assert.deepEqual(log, [
    `getStatus GET ${url}/api/v1/status 1`,
    'getStatus 1 503 req_TEST',
    `getStatus GET ${url}/api/v1/status 2`,
    'getStatus 2 200 req_TEST',
  ]);
});

test('a hook is told why no answer came, and what a hook throws ends the call', async () => {
  const seen = [];
  const { client } = impatient('http://127.0.0.1:9', {
    onResponse: (r) => seen.push([r.status, r.error]),
    maxRetries: 0,
  });
  const error = await client.status().catch((e) => e);
  assert.ok(error instanceof APIConnectionError);
  assert.deepEqual(seen, [[undefined, error]]);
  const fuse = new Error('no more');
  const blown = impatient('http://127.0.0.1:9', { onRequest: () => Promise.reject(fuse) });
  await assert.rejects(blown.client.status(), (e) => e === fuse);
  assert.deepEqual(blown.waits, []);
});

test('nobody there: the error says where, and has the cause', async () => {
  const { client, waits } = impatient('http://127.0.0.1:9/');
  await assert.rejects(client.status(), (error) => {
    assert.ok(error instanceof APIConnectionError && !(error instanceof APITimeoutError));
    assert.match(
      error.message,
      /^getStatus: no answer from the gateway at http:\/\/127\.0\.0\.1:9 \(.+\)\. Is it running\?$/,
    );
    assert.ok(error.cause instanceof Error);
    return true;
  });
  assert.deepEqual(waits, [500, 1000]);
});

test('pauses double up to 8 seconds, a quarter more or less', async () => {
  for (const [random, factor] of [
    [0, 0.75],
    [0.5, 1],
    [1, 1.25],
  ]) {
    const { client, waits } = impatient('http://127.0.0.1:9', { maxRetries: 6 }, random);
    await assert.rejects(client.status());
    assert.deepEqual(
      waits,
      [500, 1000, 2000, 4000, 8000, 8000].map((ms) => ms * factor),
    );
  }
});

test('Retry-After as a date, as proxies send it', async (t) => {
  const at = new Date(Date.now() + 3_600_000).toUTCString();
  const url = await serve(t, (_, response) => response.writeHead(503, { 'Retry-After': at }).end());
  const { client, waits } = impatient(url);
  await assert.rejects(
    client.status(),
    (error) => error instanceof APIError && Math.abs((error.retryAfter ?? 0) - 3600) < 5,
  );
  assert.deepEqual(waits, []);
});

test('a certificate that is refused is refused once', async () => {
  let tries = 0;
  const fetch = async () => {
    tries++;
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('expired'), { code: 'CERT_HAS_EXPIRED' }) });
  };
  await assert.rejects(impatient('https://gateway', { fetch }).client.status(), /CERT_HAS_EXPIRED/);
  assert.equal(tries, 1);
});

test('a call takes no longer than its timeout, waits for the body included', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url?.endsWith('/status')) return; // not a byte
    response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"sessions":');
  });
  const client = new OpenClaw({ baseUrl: url, timeout: 60 });
  const calls = [
    () => client.status(),
    () => client.sessions.listPage(),
    () => client.sessions.list({}, { timeout: 30 }).toArray(),
  ];
  for (const call of calls) {
    await assert.rejects(call, { name: 'APITimeoutError', message: /no answer within 0\.0\d s.*option timeout/ });
  }
});

test('nor does an error whose body does not come', { timeout: 10_000 }, async () => {
  const fetch = async () => new Response(new ReadableStream(), { status: 503 });
  const { client, waits } = impatient('http://gateway', { fetch, timeout: 60 });
  await assert.rejects(client.status(), { name: 'APITimeoutError', message: /no answer within 0\.06 s/ });
  assert.deepEqual(waits, []);
});

test('an endless timeout is not one of no time', async (t) => {
  const url = await serve(t, (_, response) => json(response, 200, ok));
  for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 40]) {
    assert.deepEqual(await new OpenClaw({ baseUrl: url, timeout }).status(), ok);
  }
});

test('a signal ends a call before, during and between tries, with its own reason', async (t) => {
  const reason = new Error('changed my mind');
  let arrived = () => {};
  const url = await serve(t, (request, response) => {
    if (request.url?.endsWith('/status')) arrived();
    else json(response, 503, { error: { code: 'UNAVAILABLE', message: 'Later.' } });
  });
  const client = new OpenClaw({ baseUrl: url });
  const ended = (promise) => assert.rejects(promise, (e) => e === reason);
  await ended(client.status({ signal: AbortSignal.abort(reason) }));

  const during = new AbortController();
  arrived = () => during.abort(reason);
  await ended(client.status({ signal: during.signal }));

  const between = new AbortController();
  const waiting = new OpenClaw({ baseUrl: url, onResponse: () => void setImmediate(() => between.abort(reason)) });
  await ended(waiting.sessions.get('s', { signal: between.signal }));

  await assert.rejects(client.status({ signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
});

test('a signal that outlives its calls keeps no listener of theirs, and has few while there are many', async (t) => {
  const url = await serve(t, (_, response) => json(response, 200, ok));
  const signal = /** @type {any} */ (new AbortController().signal);
  let listeners = 0;
  let most = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args) => {
    most = Math.max(most, ++listeners);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const client = new OpenClaw({ baseUrl: url });
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: 50 }, () => client.status({ signal })));
    assert.equal(listeners, 0);
  }
  assert.equal(most, 1);
});

test('a signal ends all the calls that it was given to', async (t) => {
  let arrived = 0;
  const abort = new AbortController();
  const url = await serve(t, () => {
    if (++arrived === 20) abort.abort();
  });
  const client = new OpenClaw({ baseUrl: url });
  const calls = Array.from({ length: 20 }, () => client.status({ signal: abort.signal }));
  for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
});

test("Node's own limit of patience does not end a call that may take longer", async (t) => {
  const keys = [];
  const url = await serve(t, async (request, response) => {
    if (request.method === 'HEAD') return void response.end();
    keys.push(request.headers['idempotency-key']);
    await bodyOf(request);
    if (keys.length > 2) json(response, 200, reply('at last'));
  });
  await fetch(url, { method: 'HEAD' }); // makes Node load its client
  const agents = /** @type {any} */ (globalThis)[Symbol.for('undici.globalDispatcher.1')];
  const dispatcher = new agents.constructor({ headersTimeout: 500 });
  t.after(() => dispatcher.destroy());
  const { client, waits } = impatient(url, {
    maxRetries: 0,
    fetch: (input, init) => fetch(input, /** @type {any} */ ({ ...init, dispatcher })),
  });
  const answer = await client.chat({ message: 'Think hard.' });
  assert.equal(answer.content, 'at last');
  assert.deepEqual(waits, []);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
});

test('what an answer tells beside its content', async (t) => {
  const limits = { 'X-RateLimit-Limit': '100', 'X-RateLimit-Remaining': '95', 'X-RateLimit-Reset': '1707388800' };
  const url = await serve(t, (_, response) => json(response, 200, ok, { ...limits, 'Idempotent-Replayed': 'true' }));
  const status = await new OpenClaw({ baseUrl: url }).status();
  assert.deepEqual(metaOf(status), {
    requestId: 'req_TEST',
    replayed: true,
    rateLimit: { limit: 100, remaining: 95, reset: new Date('2024-02-08T10:40:00Z') },
  });
  assert.equal(metaOf({ ...status }), undefined);
  assert.equal(JSON.stringify(status), JSON.stringify(ok));
});

test('an error of the gateway has all that it said', async (t) => {
  const error = { code: 'RATE_LIMITED', message: 'Too many requests. Please try again later.', retryAfter: 61 };
  const url = await serve(t, (_, response) => json(response, 429, { error }, { 'X-RateLimit-Limit': '100' }));
  await assert.rejects(new OpenClaw({ baseUrl: url }).status(), (e) => {
    assert.ok(e instanceof RateLimitError && e instanceof APIError);
    const { status, code, message, reason, requestId, retryAfter } = e;
    assert.deepEqual(
      { status, code, message, reason, requestId, retryAfter },
      { ...error, status: 429, reason: undefined, requestId: 'req_TEST' },
    );
    assert.equal(e.headers?.get('X-RateLimit-Limit'), '100');
    assert.match(String(e.stack), /^RateLimitError: Too many/);
    return true;
  });
});

test('a list can be iterated again, and asked for as an array', async (t) => {
  const url = await serve(t, (request, response) => {
    const cursor = new URL(request.url ?? '', 'http://host').searchParams.get('cursor');
    json(response, 200, cursor ? { sessions: [{ key: 'b' }] } : { sessions: [{ key: 'a' }], nextCursor: 'c/1 +' });
  });
  const list = new OpenClaw({ baseUrl: url }).sessions.list();
  for (let round = 0; round < 2; round++)
    assert.deepEqual(
      (await list.toArray()).map((s) => s.key),
      ['a', 'b'],
    );
});

test('a gateway that turns in circles is noticed', async (t) => {
  const url = await serve(t, (_, response) => json(response, 200, { sessions: [], nextCursor: 'same' }));
  await assert.rejects(new OpenClaw({ baseUrl: url }).sessions.list().toArray(), /just read/);
});
