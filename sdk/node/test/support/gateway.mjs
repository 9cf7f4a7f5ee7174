import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Serves HTTP on a loopback port until the test ends.
 *
 * @param {import('node:test').TestContext} t
 * @param {import('node:http').RequestListener} handler
 * @returns {Promise<string>} the server's URL
 */
export async function serve(t, handler) {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

/** Answers with JSON. */
export function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'X-Request-Id': 'req_TEST', ...headers });
  response.end(JSON.stringify(body));
}

/** Begins a stream of events and returns what writes them, numbered. */
export function events(response, from = 1) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Request-Id': 'req_TEST' });
  let seq = from;
  return (name, data) => response.write(`id: ${seq++}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** The body of a request, parsed. */
export async function bodyOf(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text === '' ? undefined : JSON.parse(text);
}

const createdAt = '2026-02-08T10:30:00Z';
const usage = { inputTokens: 10, outputTokens: 45 };

/** An answer to a chat request that says `content`. */
export function reply(content, sessionKey = 'session_abc123') {
  return { id: 'msg_123', content, sessionKey, model: 'test-model', usage, createdAt };
}

/** The data of a done event. */
export function done(sessionKey = 'session_abc123') {
  return { usage, id: 'msg_123', sessionKey, model: 'test-model', createdAt };
}

/**
 * A small gateway: sessions in memory, an assistant that echoes, answers that can be followed and cancelled. It knows what
 * the examples do, in the shapes of the contract.
 */
export function echoGateway() {
  const sessions = new Map();
  const answers = new Map();

  function begin(message, sessionKey, channel) {
    const key = sessionKey ?? `session_${sessions.size + 1}`;
    if (!sessions.has(key)) sessions.set(key, { channel, messages: [] });
    const answer = {
      id: `msg_${answers.size + 1}`,
      key,
      words: message.split(/(?<= )/),
      cancelled: false,
      watchers: new Set(),
    };
    answers.set(answer.id, answer);
    const { messages } = sessions.get(key);
    messages.push({ id: `${answer.id}u`, role: 'user', content: message, timestamp: createdAt, status: 'complete' });
    messages.push(view(answer));
    return answer;
  }

  const view = (answer) => ({
    id: answer.id,
    role: 'assistant',
    content: answer.cancelled ? answer.words[0] : answer.words.join(''),
    timestamp: createdAt,
    status: answer.cancelled ? 'incomplete' : 'complete',
  });

  function follow(response, answer, after) {
    const write = events(response, after + 1);
    const all = [
      ['start', { id: answer.id, sessionKey: answer.key }],
      ...answer.words.map((content) => ['delta', { content }]),
    ];
    // What asks for a million is never done by itself.
    const endless = answer.words.includes('million.');
    if (!endless) all.push(['done', { ...done(answer.key), id: answer.id }]);
    for (const [name, data] of all.slice(after)) write(name, data);
    if (!endless) response.end();
    else {
      write('delta', { content: '1 2 3' });
      answer.watchers.add(() => {
        write('error', { error: { code: 'CANCELLED', message: 'The answer was cancelled.' } });
        response.end();
      });
    }
  }

  return async function handle(request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://host');
    const body = await bodyOf(request);
    const [, , , kind, name, action] = pathname.split('/').map(decodeURIComponent);
    const missing = () =>
      json(response, 404, { error: { code: 'NOT_FOUND', message: `There is no ${pathname} here.` } });
    const limit = { 'X-RateLimit-Limit': 100, 'X-RateLimit-Remaining': 99, 'X-RateLimit-Reset': 1707388800 };
    const session = sessions.get(name);
    const answer = answers.get(name);
    const listed = ([key, { channel, messages }]) => ({
      key,
      channel,
      createdAt,
      lastActivity: createdAt,
      messageCount: messages.length,
    });
    if (request.headers.authorization !== 'Bearer your-api-token') {
      json(response, 401, { error: { code: 'UNAUTHORIZED', message: 'The API token is missing or not valid.' } });
    } else if (kind === 'chat') {
      const begun = begin(body.message, body.sessionKey, request.headers['x-openclaw-channel'] ?? 'api');
      if (name === 'stream') follow(response, begun, 0);
      else json(response, 200, { ...reply(view(begun).content, begun.key), id: begun.id }, limit);
    } else if (kind === 'sessions' && name === undefined) {
      const channel = searchParams.get('channel');
      json(response, 200, { sessions: [...sessions].map(listed).filter((s) => !channel || s.channel === channel) });
    } else if (kind === 'sessions' && session) {
      if (action === 'history') json(response, 200, { messages: session.messages });
      else if (request.method === 'DELETE') response.writeHead(sessions.delete(name) ? 204 : 404).end();
      else json(response, 200, listed([name, session]));
    } else if (kind === 'messages' && answer) {
      if (action === 'stream') follow(response, answer, Number(request.headers['last-event-id'] ?? 0));
      else if (action === 'cancel') answer.cancelled = true;
      if (action !== 'stream') json(response, 200, { ...view(answer), sessionKey: answer.key });
      if (answer.cancelled) for (const tell of answer.watchers) tell();
      if (answer.cancelled) answer.watchers.clear();
    } else missing();
  };
}
