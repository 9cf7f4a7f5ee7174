import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, open, say, signIn, untilDone } from './support/browser.mjs';
import { Gateway } from './support/gateway.mjs';
import { pieces, suite } from './support/suite.mjs';

const shared = suite();

const RUN = 'globalThis.owned=1';

const ATTACKS = `
<script>${RUN}</script>
<img src=x onerror="${RUN}"> <img src="https://elsewhere.example/pixel.png">
<svg onload="${RUN}"><animate onbegin="${RUN}" attributeName=x /></svg>
<iframe src="javascript:${RUN}" srcdoc="<script>parent.owned=1</script>"></iframe>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${RUN}&gt;">
<a href="javascript:${RUN}">one</a> [two](javascript:${RUN}) [three](JaVaScRiPt&colon;${RUN}) [four](data:text/html,<script>${RUN}</script>)
<a href="vbscript:x">five</a> <https://elsewhere.example/six> ![seven](https://elsewhere.example/t.png "x\\" onerror=${RUN}")
<form action="https://elsewhere.example"><input name=attributes><button formaction="javascript:${RUN}">eight</button></form>
<div id="page" class="problem" style="position:fixed;inset:0" onclick="${RUN}" role="alert" aria-label="x">nine</div>
<style>@import "https://elsewhere.example/x.css"; * { background: url(https://elsewhere.example/y) }</style>
<link rel=stylesheet href="https://elsewhere.example/x.css"><base href="https://elsewhere.example/"><meta http-equiv=refresh content="0;url=https://elsewhere.example/">
<object data="https://elsewhere.example/o"></object><embed src="https://elsewhere.example/e"><video src="https://elsewhere.example/v" autoplay></video>
<details open ontoggle="${RUN}"><summary>ten</summary></details> <template><img src=x onerror=${RUN}></template>

\`\`\`html"><img src=x onerror=${RUN}>
<script>${RUN}</script><img src=x onerror="${RUN}">
\`\`\`

\`\`\`js
const html = "</code></pre><img src=x onerror=${RUN}>";
\`\`\`

| <img src=x onerror=${RUN}> | \`<script>${RUN}</script>\` |
|---|---|
| <svg/onload=${RUN}> | [x](javascript:${RUN}) |

event: done
data: {"usage":{}}

The end.
`;

async function harmless(page) {
  assert.equal(await page.evaluate(() => globalThis.owned), undefined, 'a script ran');
  const found = await page.evaluate(() => {
    const all = [...document.querySelectorAll('.markdown *, .session-list *, .head *')];
    return {
      tags: [...new Set(all.map((e) => e.localName))],
      attributes: [...new Set(all.flatMap((e) => e.getAttributeNames()))],
      links: all.filter((e) => e.matches('.markdown a')).map((e) => e.getAttribute('href')),
      ids: all.filter((e) => e.closest('.markdown') && (e.id || e.getAttribute('name'))).length,
      dressed: all.filter((e) => e.closest('.markdown') && e.matches('.problem, [style], [role=alert]')).length,
    };
  });
  for (const tag of [
    'script',
    'img',
    'iframe',
    'style',
    'link',
    'form',
    'input',
    'object',
    'embed',
    'video',
    'math',
    'base',
  ]) {
    assert.ok(!found.tags.includes(tag), `<${tag}> got in`);
  }
  assert.deepEqual(
    found.attributes.filter((name) => name.startsWith('on')),
    [],
  );
  for (const href of found.links) if (href !== null) assert.match(href, /^(https?:|mailto:)/i);
  assert.equal(found.ids + found.dressed, 0, 'something poses as the page');
}

for (const size of [10_000, 3]) {
  test(
    `a model that attacks, in pieces of ${size}`,
    shared.with({}, async ({ gateway, context, upstream }) => {
      await upstream.script({ text: pieces(ATTACKS, size) });
      const page = await signIn(context, gateway);
      page.on('dialog', () => assert.fail('a dialog'));
      await say(page, ATTACKS); // and a person who pastes it
      await untilDone(page);
      await answer(page).getByText('The end.').waitFor();
      await answer(page).locator('.hljs-keyword').first().waitFor();
      await harmless(page);
      await page.reload();
      await answer(page).getByText('The end.').waitFor();
      await harmless(page);
    }),
  );
}

test(
  'keys, channels and errors that attack',
  shared.with({}, async ({ gateway, context }) => {
    // No gateway gives such keys: this is a proxy that lies.
    const evil = `"><img src=x onerror=${RUN}>`;
    const session = {
      key: evil,
      channel: evil,
      createdAt: evil,
      lastActivity: new Date().toISOString(),
      messageCount: 2,
    };
    await context.route('**/api/v1/sessions?*', (route) => route.fulfill({ json: { sessions: [session] } }));
    await context.route('**/history?*', (route) =>
      route.fulfill({ status: 500, json: { error: { code: evil, message: evil } }, headers: { 'X-Request-Id': evil } }),
    );
    const page = await signIn(context, gateway);
    await page.locator('.session-item a').click();
    await page.locator('.problem').waitFor();
    await page.getByRole('button', { name: /^Delete this/ }).click();
    await page.getByRole('dialog').waitFor();
    assert.equal(await page.evaluate(() => globalThis.owned), undefined);
    assert.equal(await page.locator('img').count(), 0);
    assert.match(await page.locator('.session-item bdi').innerText(), /<img/);
  }),
);

test(
  'an address that attacks',
  shared.with({}, async ({ gateway, context }) => {
    const page = await signIn(context, gateway, `#/s/${encodeURIComponent(`<img src=x onerror=${RUN}>`)}`);
    await page.locator('.problem').waitFor();
    assert.equal(await page.evaluate(() => globalThis.owned), undefined);
    await page.goto(`${gateway.url}/#/s/%E0%A4%A`);
    await page.getByRole('heading', { name: 'New session' }).waitFor();
  }),
);

test('the policy holds where the page would not', async () => {
  const gateway = await Gateway.start({ upstream: shared.upstream });
  const { context } = await open(shared.browser, gateway);
  try {
    const page = await signIn(context, gateway);
    const blocked = await page.evaluate(async () => {
      const seen = [];
      addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));
      const script = document.createElement('script');
      try {
        script.textContent = 'globalThis.owned = 1';
      } catch {
        seen.push('trusted-types');
      }
      document.body.append(script);
      try {
        document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="globalThis.owned = 1">');
      } catch {
        seen.push('trusted-types');
      }
      await fetch('https://elsewhere.example/').catch(() => seen.push('fetch'));
      const image = new Image();
      await new Promise((done) => {
        image.onerror = done;
        image.src = 'https://elsewhere.example/p.png';
      });
      return { seen, owned: globalThis.owned };
    });
    assert.equal(blocked.owned, undefined);
    for (const what of ['trusted-types', 'fetch', 'connect-src', 'img-src'])
      assert.ok(blocked.seen.includes(what), what);
  } finally {
    await context.close();
    await gateway.stop();
  }
});

test('what is sent with the page', async () => {
  const gateway = await Gateway.start({ upstream: shared.upstream });
  try {
    const page = await fetch(gateway.url);
    assert.match(
      page.headers.get('Content-Security-Policy'),
      /default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    assert.equal(page.headers.get('Referrer-Policy'), 'no-referrer');
    assert.equal(page.headers.get('X-Content-Type-Options'), 'nosniff');
    assert.equal(page.headers.get('Cross-Origin-Opener-Policy'), 'same-origin');
    assert.equal(page.headers.get('Cache-Control'), 'no-cache');
    const html = await page.text();
    assert.doesNotMatch(html, /https?:|<script>|style=| on\w+=/);
    const script = new URL(/src="([^"]+\.js)"/.exec(html)[1], gateway.url);
    const asset = await fetch(script, { headers: { 'Accept-Encoding': 'gzip, br' } });
    assert.equal(asset.headers.get('Cache-Control'), 'public, max-age=31536000, immutable');
    assert.equal(asset.headers.get('Content-Type'), 'text/javascript; charset=utf-8');
    assert.equal(asset.headers.get('Content-Encoding'), 'br');
    const again = await fetch(gateway.url, { headers: { 'If-None-Match': page.headers.get('ETag') } });
    assert.equal(again.status, 304);
    const missing = await fetch(`${gateway.url}/nothing/here`);
    assert.equal(missing.status, 404);
    assert.equal((await missing.json()).error.code, 'NOT_FOUND');
  } finally {
    await gateway.stop();
  }
});
