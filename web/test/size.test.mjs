import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answer, say, signIn } from './support/browser.mjs';
import { suite } from './support/suite.mjs';

const shared = suite();

const LIMIT = 150_000;
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

test(
  'the first load is small, and is all there is until code is shown',
  shared.with({}, async ({ gateway, context, upstream, t }) => {
    const page = await context.newPage();
    await page.goto(gateway.url);
    await page.getByLabel('Token', { exact: true }).waitFor();
    const loaded = () =>
      page.evaluate(() => {
        const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
        return entries
          .filter((e) => !e.name.includes('/api/'))
          .map((e) => ({ name: new URL(e.name).pathname, sent: e.encodedBodySize, plain: e.decodedBodySize }));
      });
    const first = await loaded();
    const total = first.reduce((sum, f) => sum + f.sent, 0);
    for (const f of first) t.diagnostic(`${f.name}: ${kB(f.sent)} sent, ${kB(f.plain)} plain`);
    t.diagnostic(`first load: ${kB(total)} in ${first.length} requests (brotli)`);
    assert.ok(first.every((f) => f.sent <= f.plain) && total > 10_000, 'measured');
    assert.ok(total < LIMIT, `${total} bytes`);

    const gzip = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((n) => n.endsWith('.gz'));
    const packed = (names) => names.reduce((sum, n) => sum + statSync(`${dist}/${n}`).size, 0);
    const shell = gzip.filter((n) => /index|favicon/.test(n));
    t.diagnostic(`gzip: first load ${kB(packed(shell))}, with every language ${kB(packed(gzip))}`);
    assert.ok(packed(shell) < LIMIT);

    const { paint, ready } = await page.evaluate(() => ({
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      ready: performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd,
    }));
    t.diagnostic(`first contentful paint ${Math.round(paint)} ms, DOM ready ${Math.round(ready)} ms`);
    await page.close();

    await upstream.script({ text: ['```rust\nfn main() {}\n```\n'] });
    const tab = await signIn(context, gateway);
    await say(tab, 'Code');
    await answer(tab).locator('.hljs-keyword').waitFor();
    const later = await tab.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((e) => /core|rust/.test(e.name))
        .map((e) => e.encodedBodySize),
    );
    assert.equal(later.length, 2, 'the highlighter and one language');
    t.diagnostic(`with the first code: ${kB(later.reduce((a, b) => a + b, 0))} more`);
  }),
);
