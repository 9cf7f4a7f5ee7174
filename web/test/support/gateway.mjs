// The real gateway as a process, before a scripted model, behind a wire that can be cut.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cache = fileURLToPath(new URL('../.cache', import.meta.url));

export const TOKEN = 'a-token-that-only-the-tests-know';

const env = { ...process.env, GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' };
// What is set on this machine must not choose the model.
for (const name of Object.keys(env)) if (/^(OPENCLAW_|ANTHROPIC_|OPENAI_|GEMINI_)/.test(name)) delete env[name];

/** Builds a Go program once per run of the tests. The compiler's own cache makes it quick. */
function build(pkg, name) {
  const out = join(cache, name);
  execFileSync('go', ['build', '-o', out, pkg], { cwd: root, env, stdio: 'inherit' });
  return out;
}

/** A scripted model server. */
export class Upstream {
  static async start() {
    const child = spawn(build('./web/test/upstream', 'upstream'), { stdio: ['pipe', 'pipe', 'inherit'] });
    const [url] = await once(createInterface(child.stdout), 'line');
    return new Upstream(child, url);
  }

  constructor(child, url) {
    this.child = child;
    this.url = url;
  }

  /** Says how the calls to come are answered, one script each. */
  async script(...scripts) {
    await this.#control({ scripts, replace: true });
  }

  /** Says how calls are answered that no script waits for. */
  async always(script) {
    await this.#control({ replace: true, default: script });
  }

  async #control(body) {
    const answer = await fetch(`${this.url}/_script`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async requests() {
    return (await (await fetch(`${this.url}/_requests`)).json()).requests;
  }

  async stop() {
    this.child.stdin.end();
    await once(this.child, 'exit');
  }
}

/** A wire between the browser and the gateway. */
class Wire {
  #target;
  #sockets = new Set();
  #cut = false;

  static async start() {
    const wire = new Wire();
    wire.server = createServer((socket) => wire.#connect(socket)).listen(0, '127.0.0.1');
    await once(wire.server, 'listening');
    wire.port = wire.server.address().port;
    return wire;
  }

  lead(port) {
    this.#target = port;
  }

  #connect(socket) {
    if (this.#cut) return socket.resetAndDestroy();
    const far = createConnection(this.#target, '127.0.0.1');
    for (const [a, b] of [
      [socket, far],
      [far, socket],
    ]) {
      this.#sockets.add(a);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        this.#sockets.delete(a);
        b.destroy();
      });
      a.pipe(b);
    }
  }

  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#cut = false;
  }

  async stop() {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** The models of a configuration that asks the scripted server. */
export function scripted(upstream, model = 'scripted') {
  return {
    default: `anthropic/${model}`,
    providers: { anthropic: { apiKey: 'key-of-the-tests', baseUrl: upstream.url } },
  };
}

const binary = build('./cmd/openclaw', 'openclaw');

/** A gateway whose address stays the same while it is cut off, killed and started again. */
export class Gateway {
  static async start({ upstream, api = {}, models } = {}) {
    const wire = await Wire.start();
    const gateway = new Gateway(wire, upstream, models);
    await gateway.launch(api);
    return gateway;
  }

  constructor(wire, upstream, models) {
    this.wire = wire;
    this.url = `http://127.0.0.1:${wire.port}`;
    this.dir = mkdtempSync(join(tmpdir(), 'openclaw-web-'));
    this.models = typeof models === 'function' ? models(upstream) : (models ?? scripted(upstream));
  }

  /** Starts the process; the database is the same each time. */
  async launch({ token = TOKEN, permissions = ['chat', 'sessions'], chat = 100_000, read = 100_000 } = {}) {
    const config = join(this.dir, 'openclaw.yaml');
    const settings = {
      server: { host: '127.0.0.1', port: 0 },
      storage: { path: join(this.dir, 'openclaw.db') },
      api: { tokens: [{ name: 'tests', token, permissions }], rateLimits: { chat, read } },
      models: this.models,
    };
    writeFileSync(config, JSON.stringify(settings), { mode: 0o600 }); // JSON is YAML too
    this.child = spawn(binary, ['serve', '--config', config], { env: { ...env, HOME: this.dir } });
    this.log = '';
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.log += text;
      });
    }
    this.wire.lead(await this.#port());
  }

  async #port() {
    for (;;) {
      const [, port] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log) ?? [];
      if (port !== undefined) return Number(port);
      if (this.child.exitCode !== null) throw new Error(`the gateway exited:\n${this.log}`);
      await delay(5);
    }
  }

  async kill(signal = 'SIGKILL') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }

  /** Calls the API as another client than the page. */
  async call(method, path, body, headers = {}, signal = undefined) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal,
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  }

  chat(message, sessionKey, signal) {
    return this.call('POST', '/api/v1/chat', { message, sessionKey }, {}, signal);
  }

  /** Writes a long session into the database, past the gateway, which is started again behind it. */
  async fill(sessionKey, turns, answer) {
    await this.kill();
    const arguments_ = [join(this.dir, 'openclaw.db'), sessionKey, String(turns)];
    execFileSync(build('./web/test/fill', 'fill'), arguments_, {
      input: answer,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    await this.launch();
  }

  async stop() {
    await this.kill();
    await this.wire.stop();
    rmSync(this.dir, { recursive: true });
  }
}
