import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { APIError, IncompleteStreamError, InvalidArgumentError, ModelError, OpenClaw } from '@openclaw/sdk';
import { INTERNALS } from '../dist/esm/internals.js';
import { done, events, json, reply, serve } from './support/gateway.mjs';

const start = { id: 'msg_123', sessionKey: 'session_abc123' };

function connect(baseUrl, options = {}) {
  const sleep = async () => {};
  return new OpenClaw({ baseUrl, ...options, ...{ [INTERNALS]: { sleep, random: Math.random } } });
}

test('collect gives what chat would', async (t) => {
  const url = await serve(t, (_, response) => {
    const write = events(response);
    write('start', start);
    write('delta', { content: 'The ' });
    write('delta', { content: 'sun' });
    write('done', { ...done(), later: 'field' });
    response.end();
  });
  const stream = connect(url).stream({ message: 'x' });
  assert.equal(stream.messageId, undefined);
  assert.equal(stream.lastSeq, 0);
  assert.deepEqual(await stream.collect(), { ...reply('The sun'), later: 'field' });
  assert.equal(stream.messageId, 'msg_123');
  assert.equal(stream.sessionKey, 'session_abc123');
  assert.equal(stream.lastSeq, 4);
  assert.equal(stream.meta?.requestId, 'req_TEST');
});

test('a stream is iterated once, and sends nothing before', async (t) => {
  let requests = 0;
  const url = await serve(t, (_, response) => {
    requests++;
    const write = events(response);
    write('start', start);
    write('done', done());
    response.end();
  });
  const client = connect(url);
  client.stream({ message: 'never looked at' });
  const stream = client.stream({ message: 'x' });
  await stream.collect();
  await assert.rejects(stream.collect(), InvalidArgumentError);
  assert.equal(requests, 1);
});

test('leaving the loop closes the connection', async (t) => {
  let closed;
  const url = await serve(t, (_, response) => {
    closed = once(response, 'close');
    const write = events(response);
    write('start', start);
    write('delta', { content: 'The ' });
  });
  const stream = connect(url).stream({ message: 'x' });
  for await (const event of stream) if (event.type === 'delta') break;
  await closed;
  assert.equal(stream.lastSeq, 2);
});

test('an error thrown inside of the loop closes the connection and comes out', async (t) => {
  let closed;
  const url = await serve(t, (_, response) => {
    closed = once(response, 'close');
    events(response)('start', start);
  });
  const mine = new TypeError('mine');
  await assert.rejects(
    async () => {
      for await (const _ of connect(url).stream({ message: 'x' })) throw mine;
    },
    (e) => e === mine,
  );
  await closed;
});

test('close ends the loop from outside, even while it waits', async (t) => {
  let closed;
  const url = await serve(t, (_, response) => {
    closed = once(response, 'close');
    events(response)('start', start);
  });
  const stream = connect(url).stream({ message: 'x' });
  const seen = [];
  for await (const event of stream) {
    seen.push(event.type);
    setImmediate(() => stream.close()); // by then the loop waits for an event that does not come
  }
  assert.deepEqual(seen, ['start']);
  await closed;
});

test('a stream closed before its first step sends nothing, and has nothing to collect', async () => {
  const stream = new OpenClaw({ fetch: () => assert.fail('sent') }).stream({ message: 'x' });
  stream.close();
  await assert.rejects(stream.collect(), IncompleteStreamError);
});

test('a signal ends the loop with its reason, while it waits and between tries', async (t) => {
  let requests = 0;
  const url = await serve(t, (_, response) => {
    const write = events(response);
    if (requests++ === 0) write('start', start);
    else response.socket?.destroy();
  });
  const reason = new Error('enough');
  const abort = new AbortController();
  await assert.rejects(
    async () => {
      for await (const _ of connect(url).stream({ message: 'x' }, { signal: abort.signal })) {
        setImmediate(() => abort.abort(reason));
      }
    },
    (e) => e === reason,
  );

  const between = new AbortController();
  const waiting = new OpenClaw({ baseUrl: url, onResponse: () => void setImmediate(() => between.abort(reason)) });
  await assert.rejects(waiting.stream({ message: 'x' }, { signal: between.signal }).collect(), (e) => e === reason);
});

test('a silent stream is taken up again; signs of life keep it; a slow reader does not count', async (t) => {
  const seen = [];
  const url = await serve(t, (request, response) => {
    seen.push(`${request.method} ${request.headers['last-event-id'] ?? ''}`);
    if (seen.length === 1) {
      const write = events(response);
      write('start', start);
      write('delta', { content: 'The ' });
      return;
    }
    const write = events(response, 3);
    let signs = 0;
    const timer = setInterval(() => {
      if (++signs < 6) return void response.write(': still here\n\n');
      clearInterval(timer);
      write('delta', { content: 'sun' });
      write('done', done());
      response.end();
    }, 100);
  });
  const stream = connect(url).stream({ message: 'x' }, { idleTimeout: 300 });
  let text = '';
  for await (const event of stream) {
    if (event.type === 'delta') text += event.content;
    if (event.type === 'start') await new Promise((resolve) => setTimeout(resolve, 400));
  }
  assert.equal(text, 'The sun');
  assert.deepEqual(seen, ['POST ', 'GET 2']);
});

test('a connection for the rest that is not answered in time is one more silence', async (t) => {
  const seen = [];
  const url = await serve(t, (request, response) => {
    seen.push(request.method);
    if (seen.length === 2) return; // not a byte
    const write = events(response, seen.length === 1 ? 1 : 2);
    if (seen.length === 1) write('start', start);
    else write('done', done());
    response.end();
  });
  assert.equal((await connect(url).stream({ message: 'x' }, { timeout: 200 }).collect()).id, 'msg_123');
  assert.deepEqual(seen, ['POST', 'GET', 'GET']);
});

test('a stream that is lost says what became of it, and where it can be had', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.method === 'GET') return void response.socket?.destroy();
    const write = events(response);
    write('start', start);
    write('delta', { content: 'The ' });
    response.end();
  });
  await assert.rejects(connect(url).stream({ message: 'x' }).collect(), (error) => {
    assert.ok(error instanceof IncompleteStreamError);
    assert.equal(error.messageId, 'msg_123');
    assert.equal(error.lastSeq, 2);
    assert.match(error.message, /client\.messages\.get\('msg_123'\)/);
    assert.ok(error.cause instanceof Error);
    return true;
  });
});

test('an error event is an error of the class that its code names', async (t) => {
  const url = await serve(t, (_, response) => {
    const write = events(response);
    write('start', start);
    write('error', { error: { code: 'MODEL_ERROR', message: 'Overloaded.', reason: 'overloaded', retryAfter: 10 } });
    response.end();
  });
  await assert.rejects(connect(url).stream({ message: 'x' }).collect(), (error) => {
    assert.ok(error instanceof ModelError);
    assert.deepEqual(
      [error.status, error.reason, error.retryAfter, error.requestId],
      [undefined, 'overloaded', 10, 'req_TEST'],
    );
    return true;
  });
});

test('an answer that is no stream is said to be none', async (t) => {
  const url = await serve(t, (_, response) => json(response, 200, { hello: 'world' }));
  await assert.rejects(connect(url).stream({ message: 'x' }).collect(), (error) => {
    assert.ok(error instanceof APIError);
    assert.deepEqual([error.code, error.status], [undefined, 200]);
    return true;
  });
});

test('a stream that was read to its end leaves its connection to the next call', async (t) => {
  const sockets = new Set();
  const url = await serve(t, (request, response) => {
    sockets.add(request.socket);
    const write = events(response);
    write('start', start);
    write('done', done());
    setTimeout(() => response.end(), 10);
  });
  const client = connect(url);
  for (let i = 0; i < 8; i++) await client.stream({ message: 'x' }).collect();
  // Node's fetch goes to and fro between two.
  assert.ok(sockets.size <= 2, `${sockets.size} connections`);
});

test('a stream can be read from a fetch that does not listen to signals', async () => {
  let cancelled = false;
  const body = new ReadableStream({
    start: (c) => c.enqueue(new TextEncoder().encode(`id: 1\nevent: start\ndata: ${JSON.stringify(start)}\n\n`)),
    cancel() {
      cancelled = true;
    },
  });
  const fetch = async () => new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  for await (const _ of connect('http://gateway', { fetch }).stream({ message: 'x' })) break;
  assert.ok(cancelled);
});
