import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { echoGateway, serve } from './support/gateway.mjs';

const entry = fileURLToPath(new URL('../dist/esm/index.js', import.meta.url));

/** Bundled for a browser, where a module of Node's own would be an error. */
async function bundle(options = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'es2022',
    minify: true,
    ...options,
  });
  return outputFiles[0].text;
}

test('bundles for browsers, and runs with nothing but what they have', async (t) => {
  const url = await serve(t, echoGateway());
  const code = await bundle({ format: 'iife', globalName: 'sdk' });
  const names = [
    'AbortController',
    'AbortSignal',
    'DOMException',
    'Headers',
    'Response',
    'TextDecoder',
    'TextEncoder',
    'URL',
    'URLSearchParams',
    'clearTimeout',
    'crypto',
    'fetch',
    'performance',
    'setTimeout',
  ];
  const browser = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  browser.navigator = { userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' };
  const context = createContext(browser);
  runInContext(code, context);
  context.url = url;
  const seen = await runInContext(
    `(async () => {
      const headers = [];
      const onRequest = (request) => headers.push(request.headers.get('User-Agent'));
      const client = new sdk.OpenClaw({ baseUrl: url, apiKey: 'your-api-token', onRequest });
      const { content } = await client.chat({ message: 'Hello' });
      let text = '';
      for await (const event of client.stream({ message: 'a b c' })) if (event.type === 'delta') text += event.content;
      const error = await client.sessions.get('none').catch((e) => e);
      return JSON.stringify([content, text, error.name, error instanceof sdk.NotFoundError, headers]);
    })()`,
    context,
  );
  assert.deepEqual(JSON.parse(seen), ['Hello', 'a b c', 'NotFoundError', true, [null, null, null]]);
});

test('is small', async () => {
  const size = (await bundle({ format: 'esm' })).length;
  assert.ok(size < 20_000, `${size} bytes, minified`);
});
