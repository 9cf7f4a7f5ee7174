import assert from 'node:assert/strict';
import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { fields } from './fields.mjs';

// Plays the server's part of a vector. It speaks HTTP by hand: what libraries tidy up is what the cases are about.

const PATIENCE = 5_000;

export class VectorServer {
  /** What was not as the vector has it. */
  problems = [];
  #exchanges;
  #arrived = 0;
  #sockets = new Set();
  /** Node's fetch may open a connection ahead of its need and keep it for seconds, whoever uses it. */
  #idle = new Set();
  #repeated = false;
  #serving = [];
  #apiKey;
  /** Idempotency keys by the vector's names for them. */
  #keys = new Map();
  #server = createServer((socket) => {
    this.#sockets.add(socket);
    this.#idle.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // resets are part of the script, on either side
    this.#serving.push(this.#serve(socket).catch((error) => this.problems.push(error.message)));
  });

  constructor(exchanges) {
    this.#exchanges = exchanges;
  }

  /** @returns {Promise<string>} the server's URL */
  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (this.#server.address()).port}`;
  }

  expectKey(apiKey) {
    this.#apiKey = apiKey;
  }

  /** Waits until every connection is closed, and throws what was wrong. */
  async finish() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#idle) socket.destroy();
    await Promise.all(this.#serving);
    if ((await Promise.race([closed, setTimeout(PATIENCE, 'late', { ref: false })])) === 'late') {
      this.problems.push(`${this.#sockets.size} connections were left open`);
      for (const socket of this.#sockets) socket.destroy();
    }
    if (this.#arrived < this.#exchanges.length) {
      this.problems.push(`${this.#arrived} requests came, not ${this.#exchanges.length}`);
    }
    assert.deepEqual(this.problems, []);
  }

  async #serve(socket) {
    const request = await readRequest(socket);
    if (request === undefined) return;
    this.#idle.delete(socket);
    // The fetch standard has a request that was answered 421 sent again on a new connection, once, without telling.
    const repeated = this.#exchanges[this.#arrived - 1]?.response.status === 421 && !this.#repeated;
    this.#repeated = repeated;
    if (repeated) this.#arrived--;
    const number = this.#arrived++;
    const exchange = this.#exchanges[number];
    const which = `request ${number} (${request.method} ${request.target})`;
    if (exchange === undefined) {
      socket.destroy();
      throw new Error(`${which} is one too many`);
    }
    try {
      this.#check(exchange.request, request);
    } catch (error) {
      this.problems.push(`${which}: ${/** @type {Error} */ (error).message}`);
    }
    await respond(socket, exchange.response);
  }

  #check(want, got) {
    fields(want, ['method', 'path', 'query', 'headers', 'json']);
    const url = new URL(got.target, 'http://host');
    assert.equal(got.method, want.method);
    assert.deepEqual(segments(got.target.split('?')[0]), segments(want.path));
    assert.deepEqual([...url.searchParams].sort(), Object.entries(want.query ?? {}).sort());
    assert.deepEqual(got.body === '' ? undefined : JSON.parse(got.body), want.json);
    for (const [name, value] of Object.entries(want.headers ?? {})) this.#checkHeader(name, value, got.headers[name]);
    assert.equal(got.headers.authorization, this.#apiKey && `Bearer ${this.#apiKey}`);
    assert.match(got.headers['user-agent'], /(^| )openclaw-node\/\d+\.\d+\.\d+/);
    const accept = url.pathname.endsWith('/stream') ? 'text/event-stream' : 'application/json';
    assert.ok(got.headers.accept?.includes(accept), `Accept is ${got.headers.accept}`);
    if (got.body !== '') assert.equal(got.headers['content-type'], 'application/json');
  }

  #checkHeader(name, want, got) {
    if (want === null) {
      assert.equal(got, undefined, `header ${name} is there`);
    } else if (typeof want === 'string') {
      assert.equal(got, want);
    } else {
      fields(want, ['key']);
      assert.match(got ?? '', /^[\x20-\x7e]{1,255}$/, `header ${name}`);
      const before = this.#keys.get(want.key);
      if (before === undefined)
        assert.ok(![...this.#keys.values()].includes(got), `${name} is one that was used before`);
      else assert.equal(got, before, `header ${name} is not that of the try before`);
      this.#keys.set(want.key, got);
    }
  }
}

async function readRequest(socket) {
  let bytes = Buffer.alloc(0);
  let request;
  while (request === undefined || bytes.length < request.size) {
    const chunk = await Promise.race([next(socket, 'data'), closed(socket)]);
    if (chunk === undefined && bytes.length === 0) return undefined;
    if (chunk === undefined) throw new Error('a connection brought half a request');
    bytes = Buffer.concat([bytes, chunk]);
    request ??= readHead(bytes);
  }
  return { ...request, body: bytes.subarray(request.start).toString() };
}

/** Unlike events.once, takes a connection that the other side resets for one that is closed. */
function next(socket, name) {
  return new Promise((resolve) => socket.once(name, resolve));
}

async function closed(socket) {
  if (!socket.destroyed) await next(socket, 'close');
}

function readHead(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const [method, target] = first.split(' ');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const start = end + 4;
  return { method, target, headers, start, size: start + Number(headers['content-length'] ?? 0) };
}

async function respond(socket, response) {
  fields(response, ['status', 'headers', 'json', 'text', 'chunks', 'split', 'framing', 'then', 'conforms']);
  const { status = 200, then = 'close' } = response;
  if (then === 'reset') {
    socket.resetAndDestroy();
    return;
  }
  const { pieces, chunked, type } = bodyOf(response);
  const headers = { ...(type && { 'Content-Type': type }), ...response.headers, Connection: 'close' };
  if (chunked) headers['Transfer-Encoding'] = 'chunked';
  else if (response.framing !== 'close' && status !== 204) headers['Content-Length'] = Buffer.concat(pieces).length;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  await write(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`);
  for (const piece of pieces) {
    if (chunked)
      await write(socket, Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
    else await write(socket, piece);
  }
  if (then === 'close') {
    if (chunked) await write(socket, '0\r\n\r\n');
    socket.end();
  } else if (then === 'cut') {
    socket.end();
  } else if (then === 'stall') {
    const late = setTimeout(PATIENCE, 'nothing', { ref: false });
    const came = await Promise.race([closed(socket), next(socket, 'data'), late]);
    assert.equal(came, undefined, 'the client was to close the connection');
  } else {
    throw new Error(`this runner does not know then: ${JSON.stringify(then)}`);
  }
}

function bodyOf({ json, text, chunks, split, framing = 'chunked' }) {
  if (json !== undefined)
    return { pieces: [Buffer.from(JSON.stringify(json))], chunked: false, type: 'application/json' };
  if (chunks === undefined) return { pieces: text === undefined ? [] : [Buffer.from(text)], chunked: false };
  assert.ok(split === undefined || split === 'bytes');
  assert.ok(framing === 'chunked' || framing === 'close');
  let pieces = chunks.map((c) => (typeof c === 'string' ? Buffer.from(c) : Buffer.from(c.base64, 'base64')));
  if (split === 'bytes') pieces = Array.from(Buffer.concat(pieces), (byte) => Buffer.of(byte));
  return { pieces, chunked: framing === 'chunked', type: 'text/event-stream' };
}

/** Writes and waits for it to be flushed, so that what is written next arrives by itself. */
function write(socket, data) {
  return new Promise((resolve) => {
    // A client that has left is no failure here: it left because it has all it wants.
    socket.write(data, () => setImmediate(resolve));
  });
}

function segments(path) {
  return path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

/** Compares JSON values; times are equal where they are the same instant. */
export function sameJson(a, b) {
  if (typeof a === 'string' && typeof b === 'string') {
    const isTime = /^\d{4}-\d\d-\d\dT/;
    return a === b || (isTime.test(a) && isTime.test(b) && Date.parse(a) === Date.parse(b));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return isDeepStrictEqual(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((n) => n in b && sameJson(a[n], b[n]));
}
