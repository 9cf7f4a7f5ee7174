import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bodyOf, echoGateway, json, reply, serve } from './support/gateway.mjs';

// The package as it is published, installed into an empty project.

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const tool = (name, ...path) => join(dirname(require.resolve(`${name}/package.json`)), ...path);

describe('the package', () => {
  let project;
  let files;
  let tarball;

  before(async () => {
    project = mkdtempSync(join(tmpdir(), 'openclaw-sdk-'));
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
    const { stdout } = await run('npm', args, { cwd: root });
    const packed = JSON.parse(stdout);
    const [{ filename, files: list }] = Array.isArray(packed) ? packed : Object.values(packed);
    files = list.map((file) => file.path);
    writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
    tarball = join(project, basename(filename));
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: project });
  });

  after(() => rmSync(project, { recursive: true, force: true }));

  test('has what it needs and nothing else', () => {
    const other = files.filter((path) => !/^dist\/(esm|cjs)\/\w+\.(js|js\.map|d\.ts)$/.test(path));
    assert.deepEqual(other.sort(), ['LICENSE', 'README.md', 'dist/cjs/package.json', 'package.json']);
    assert.ok(files.includes('dist/esm/index.js') && files.includes('dist/cjs/index.d.ts'));
  });

  test('the quick start of the README runs as it stands', async (t) => {
    const readme = readFileSync(join(project, 'node_modules/@openclaw/sdk/README.md'), 'utf8');
    const [, code] = readme.match(/## Quick start\n\n```js\n([\s\S]*?)```/) ?? [];
    assert.equal(await runAgainstGateway(t, 'quickstart.mjs', code), 'Hi there!\n');
  });

  test('the example of the API reference runs as it stands', async (t) => {
    const code = [
      "import { OpenClaw } from '@openclaw/sdk';",
      'const client = new OpenClaw({',
      "baseUrl: 'http://localhost:3000',",
      "apiKey: 'your-api-token'",
      '});',
      'const response = await client.chat({',
      "message: 'Hello, OpenClaw!'",
      '});',
      'console.log(response.content);',
    ].join('\n');
    assert.equal(await runAgainstGateway(t, 'reference.mjs', code), 'Hi there!\n');
  });

  /** Runs a program that talks to http://localhost:3000, and has another port answer it. */
  async function runAgainstGateway(t, name, code) {
    const url = await serve(t, async (request, response) => {
      assert.equal(request.headers.authorization, 'Bearer your-api-token');
      assert.deepEqual(await bodyOf(request), { message: 'Hello, OpenClaw!' });
      json(response, 200, reply('Hi there!'));
    });
    writeFileSync(join(project, name), code);
    const redirect = `const { fetch } = globalThis;
      globalThis.fetch = (to, init) => fetch(String(to).replace('http://localhost:3000', '${url}'), init);`;
    writeFileSync(join(project, 'redirect.mjs'), redirect);
    const { stdout } = await run(process.execPath, ['--import', './redirect.mjs', name], {
      cwd: project,
      timeout: 20_000,
    });
    return stdout;
  }

  test('can be imported and required, with the same names', async () => {
    const print = 'console.log(Object.keys(sdk).sort().join(), new sdk.OpenClaw().constructor.name)';
    writeFileSync(join(project, 'a.mjs'), `import * as sdk from '@openclaw/sdk'; ${print}`);
    writeFileSync(join(project, 'a.cjs'), `const sdk = require('@openclaw/sdk'); ${print}`);
    const [esm, cjs] = await Promise.all(
      ['a.mjs', 'a.cjs'].map((name) => run(process.execPath, [name], { cwd: project })),
    );
    assert.match(esm.stdout, /,OpenClaw,.* OpenClaw\n/);
    assert.equal(cjs.stdout, esm.stdout);
  });

  for (const [runtime, ...args] of [
    ['deno', 'run', '--allow-net', '--allow-env'],
    ['bun', 'run'],
  ]) {
    const found = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, runtime)));
    test(`runs on ${runtime}`, { skip: !found && `${runtime} is not installed` }, async (t) => {
      const env = {
        ...process.env,
        OPENCLAW_BASE_URL: await serve(t, echoGateway()),
        OPENCLAW_API_KEY: 'your-api-token',
      };
      for (const [name, output] of Object.entries({
        'stream.mjs': /^Write a short poem\n/,
        'sessions.mjs': /is gone\.\n$/,
      })) {
        cpSync(join(root, 'examples', name), join(project, name));
        const { stdout } = await run(runtime, [...args, name], { cwd: project, env, timeout: 20_000 });
        assert.match(stdout, output);
      }
    });
  }

  test('has types for every way of resolving modules', async () => {
    const types = join(project, 'types');
    mkdirSync(types);
    const source = readFileSync(join(root, 'test/types/consumer.ts'));
    for (const name of ['consumer.mts', 'consumer.cts', 'consumer.ts']) writeFileSync(join(types, name), source);
    mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
    for (const name of ['@types/node', 'undici-types']) {
      cpSync(tool(name), join(project, 'node_modules', name), { recursive: true });
    }
    const tsc = tool('typescript', 'bin', 'tsc');
    const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node'];
    const nodenext = ['--module', 'nodenext', 'types/consumer.mts', 'types/consumer.cts'];
    const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler', 'types/consumer.ts'];
    // Without the DOM's own types, Node's have to do.
    for (const args of [nodenext, bundler]) {
      const lib = ['--lib', 'es2022'];
      await run(process.execPath, [tsc, ...strict, ...lib, ...args], { cwd: project }).catch((error) => {
        assert.fail(`${args}\n${error.stdout}`);
      });
    }
  });

  test('publint and are-the-types-wrong have nothing to say', async () => {
    for (const [tool, ...args] of [['publint', '--strict'], ['attw']]) {
      await run(join(root, 'node_modules/.bin', tool), [...args, tarball], { cwd: project }).catch((error) => {
        assert.fail(`${tool}\n${error.stdout}${error.stderr}`);
      });
    }
  });
});
