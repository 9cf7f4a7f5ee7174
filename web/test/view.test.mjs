import assert from 'node:assert/strict';
import { test } from 'node:test';
import axe from 'axe-core';
import { answer, box, say, signIn, untilDone } from './support/browser.mjs';
import { scripted } from './support/gateway.mjs';
import { pieces, suite } from './support/suite.mjs';

const shared = suite();

const RICH = `# A heading

Words, \`code\` and [a link](https://elsewhere.example/).

\`\`\`python
def f(x):
    """Says what it does."""
    return x + 1  # one more
\`\`\`

| a | b |
|---|---|
| 1 | 2 |

> A quotation.
`;

/** Fails where axe finds anything at all against what is shown. */
async function accessible(page, what) {
  await page.evaluate(`${axe.source}; undefined`);
  const { violations, passes } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  const found = violations.map(
    (v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html.slice(0, 160)} ${n.failureSummary}`).join('\n')}`,
  );
  assert.deepEqual(found, [], what);
  return passes.length;
}

/** Goes through every view of the page. */
async function tour({ gateway, context, upstream }, visit) {
  const page = await context.newPage();
  await page.goto(gateway.url);
  await page.getByLabel('Token', { exact: true }).fill('wrong-token-of-another');
  await page.keyboard.press('Enter');
  await page.locator('.problem').waitFor();
  await visit(page, 'sign in, refused');
  await page.close();

  const tab = await signIn(context, gateway);
  await tab.getByRole('heading', { name: 'What is on your mind?' }).waitFor();
  await visit(tab, 'new session');
  await upstream.script({ text: pieces(RICH) });
  await say(tab, 'Show me everything');
  await untilDone(tab);
  await answer(tab).locator('.hljs-keyword').first().waitFor();
  await visit(tab, 'conversation');
  await upstream.script({ text: pieces(RICH), end: 'stall', after: 4 });
  await say(tab, 'And again');
  await tab.locator('.message.live .markdown').waitFor();
  await visit(tab, 'while answering');
  await tab.keyboard.press('Escape');
  await untilDone(tab);
  await upstream.script({ status: 400 });
  await say(tab, 'And refuse');
  await tab.locator('.problem').waitFor();
  await visit(tab, 'refused');
  await tab.getByRole('button', { name: /^Delete this/ }).click();
  await tab.getByRole('dialog').waitFor();
  await visit(tab, 'delete');
  await tab.keyboard.press('Escape');
  await tab.evaluate(() => (location.hash = '#/control'));
  await tab.getByText('Newest sessions').waitFor();
  await tab.locator('.usage').waitFor();
  await visit(tab, 'gateway');
  await tab.keyboard.press('?');
  await tab.getByRole('dialog').waitFor();
  await visit(tab, 'help');
  return tab;
}

for (const colorScheme of ['light', 'dark']) {
  for (const [name, window] of Object.entries({
    wide: { colorScheme, viewport: { width: 1440, height: 900 } },
    phone: { colorScheme, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  })) {
    test(
      `axe has nothing against any view: ${colorScheme}, ${name}`,
      shared.with({ window: { ...window, reducedMotion: 'reduce' } }, async (given) => {
        const checked = [];
        await tour(given, async (page, what) => {
          checked.push(`${what} ${await accessible(page, what)}`);
        });
        given.t.diagnostic(`axe ${axe.version}, rules passed: ${checked.join(', ')}; violations: 0`);
      }),
    );
  }
}

test(
  'fits a phone, with the sessions in a drawer',
  shared.with({ window: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } }, async (given) => {
    await given.gateway.chat('Hello', 'a-session-with-quite-a-long-key-that-does-not-fit-on-a-phone');
    const page = await tour(given, async (page, what) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${what}: ${wide} px too wide`);
    });
    await page.keyboard.press('Escape');
    const list = page.getByRole('navigation', { name: 'Sessions' });
    assert.equal(await list.isVisible(), false);
    await page.getByRole('button', { name: 'Sessions', exact: true }).tap();
    await list.waitFor();
    await list.getByRole('link', { name: /^a-session-with/ }).tap();
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    await list.waitFor({ state: 'hidden' });
    await box(page).fill(
      'A message of some length, which takes more lines on a phone that is held upright. '.repeat(3),
    );
    await page.setViewportSize({ width: 740, height: 360 });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.waitForFunction(
      () => document.querySelector('#composer').scrollHeight <= document.querySelector('#composer').clientHeight,
    );
    await page.setViewportSize({ width: 740, height: 700 });
    await page.waitForFunction(() => document.querySelector('#composer').clientHeight < 140);
    await page.setViewportSize({ width: 360, height: 740 });
    await box(page).fill('By thumb');
    await page.getByRole('button', { name: 'Send', exact: true }).tap();
    await page.getByText('You said: By thumb', { exact: true }).waitFor();
    const send = await page.getByRole('button', { name: 'Send', exact: true }).boundingBox();
    assert.ok(send.y + send.height <= 740 && send.x + send.width <= 360, 'the button is in sight');
  }),
);

test(
  'the keyboard alone is enough',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await gateway.chat('Hello', 'first');
    await gateway.chat('Hello', 'second');
    const page = await context.newPage();
    const keys = page.keyboard;
    const focused = () =>
      page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.id);
    await page.goto(gateway.url);
    await page.getByLabel('Token', { exact: true }).waitFor();
    await keys.type('a-token-that-only-the-tests-know');
    await keys.press('Enter');
    await box(page).waitFor();
    await page.waitForFunction(() => document.activeElement.id === 'composer');

    await keys.type('one');
    await keys.press('Shift+Enter');
    await keys.type('two');
    await keys.press('Enter');
    await answer(page).getByText('You said: one').waitFor();
    assert.equal((await upstream.requests()).at(-1).messages.at(-1).content, 'one\ntwo');

    await keys.press('Control+k');
    await page.waitForFunction(() => document.activeElement.id === 'search');
    await keys.type('first');
    await page.waitForFunction(() => document.querySelectorAll('.session-item').length === 1);
    await keys.press('Alt+ArrowDown');
    await page.getByRole('heading', { name: 'first' }).waitFor();
    await keys.press('Alt+g');
    await page.getByText('Newest sessions').waitFor();
    await keys.press('Alt+g'); // and back to where one was
    await page.getByRole('heading', { name: 'first' }).waitFor();
    await keys.press('Control+k');
    await page.waitForFunction(() => document.activeElement.id === 'search');
    await keys.press('Escape'); // shows all of them again
    await page.waitForFunction(() => document.querySelectorAll('.session-item').length === 3);

    await keys.press('Alt+n');
    await page.getByRole('heading', { name: 'New session' }).waitFor();
    await keys.press('Alt+g');
    await page.getByText('Newest sessions').waitFor();
    await keys.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await keys.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await keys.press('Alt+g');
    await page.getByRole('heading', { name: 'New session' }).waitFor();

    // To a session's delete button by Tab, with the focus in sight at each step.
    await keys.press('Control+k');
    await page.waitForFunction(() => document.activeElement.id === 'search');
    for (let i = 0; (await focused()) !== 'Delete second'; i++) {
      assert.ok(i < 20, 'Tab gets there');
      await keys.press('Tab');
      const seen = await page.evaluate(() => {
        const { activeElement } = document;
        const frame = activeElement.closest('.composer-box');
        return frame ? getComputedStyle(frame).boxShadow : getComputedStyle(activeElement).outlineStyle;
      });
      assert.notEqual(seen, 'none', await focused());
    }
    await keys.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keys.press('Tab');
    await keys.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await assert.rejects(gateway.call('GET', '/api/v1/sessions/second'), /404/);
    await page.waitForFunction(() => document.activeElement.closest('.session-item a'), undefined, { timeout: 5000 });

    await upstream.script({ text: ['to be ', 'stopped'], end: 'stall', after: 1 });
    await page.evaluate(() => document.activeElement.blur());
    await keys.press('/');
    await page.waitForFunction(() => document.activeElement.id === 'composer');
    await keys.type('long');
    await keys.press('Enter');
    await page.locator('.live', { hasText: 'to be' }).waitFor();
    await keys.press('Escape');
    await answer(page).getByText('Stopped').waitFor();
    assert.equal(await focused(), 'Message');
  }),
);

test(
  'shows how the gateway is, what the token may, what is left, and what runs',
  shared.with({}, async ({ gateway, context, upstream }) => {
    const page = await signIn(context, gateway);
    await upstream.script({ text: pieces('a long answer that is being written', 2), end: 'stall', after: 9 });
    await say(page, 'Write at length');
    await page.locator('.live', { hasText: 'a long answer' }).waitFor();
    await page.getByRole('link', { name: /Gateway/ }).click();
    for (const text of [
      'Healthy',
      'anthropic / scripted',
      'send messages, stop answers',
      'list, read and delete sessions',
    ]) {
      await page.getByText(text, { exact: true }).waitFor();
    }
    await page.getByText('99,999 of 100,000 left').waitFor();
    await page.locator('.run-tail', { hasText: 'a long answer' }).waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText('None that were asked for in this browser.').waitFor();
    await page.getByRole('cell', { name: /\d+ in · \d+ out/ }).waitFor();
    await gateway.kill();
    await page.getByText('No answer', { exact: true }).waitFor();
    await gateway.launch();
    await page.getByText('Healthy', { exact: true }).waitFor();
  }),
);

test(
  'says how to connect a model where there is none, and notices when there is',
  shared.with(
    { models: { default: 'offline/offline', providers: { offline: { type: 'offline' } } } },
    async (given) => {
      const { gateway, context, upstream } = given;
      const page = await signIn(context, gateway);
      await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor();
      await accessible(page, 'no model');
      await say(page, 'Anybody?');
      await answer(page).getByText('this is not an answer to your message').waitFor();
      await page.getByRole('link', { name: /Gateway/ }).click();
      await page.getByText('Degraded').waitFor();
      await accessible(page, 'no model, gateway');

      gateway.models = scripted(upstream);
      await gateway.kill();
      await gateway.launch();
      await page.getByRole('button', { name: 'Check again' }).click();
      await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor({ state: 'detached' });
      await page.getByText('Healthy', { exact: true }).waitFor();
    },
  ),
);

const HEBREW = `# כותרת

טקסט עם \`code(x);\` בתוכו.

- פריט

> ציטוט

| שם | ערך |
|---|---|
| אלף | 1 |

\`\`\`js
f(x); // done.
\`\`\`

An English paragraph.
`;

test(
  'what is written from right to left is shown so, and code in it is not',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script({ text: [HEBREW] });
    const page = await signIn(context, gateway);
    await say(page, 'שלום');
    await untilDone(page);
    const style = (selector, property) =>
      answer(page)
        .locator(selector)
        .first()
        .evaluate((element, name) => getComputedStyle(element)[name], property);
    for (const code of ['p code', '.code-body code', '.code-bar'])
      assert.equal(await style(code, 'direction'), 'ltr', code);
    for (const text of ['h1', 'p', 'ul', 'blockquote', 'table'])
      assert.equal(await style(text, 'direction'), 'rtl', text);
    assert.equal(await style('.markdown > p:last-child', 'direction'), 'ltr');
    assert.notEqual(await style('ul', 'paddingRight'), '0px');
    assert.equal(await style('blockquote', 'borderLeftWidth'), '0px');
  }),
);

test(
  'on a Mac, ⌥ N writes what it writes there',
  shared.with(
    { window: { userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0)' } },
    async ({ gateway, context }) => {
      await gateway.chat('Hello', 'first');
      const page = await signIn(context, gateway, '#/s/first');
      await answer(page).getByText('You said: Hello').waitFor();
      await box(page).focus();
      await page.keyboard.press('Alt+n');
      await page.keyboard.type('o');
      assert.match(await box(page).inputValue(), /o$/);
      await page.getByRole('heading', { name: 'first' }).waitFor();
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press('Alt+n');
      await page.getByRole('heading', { name: 'New session' }).waitFor();
    },
  ),
);

test(
  'what lies behind the drawer cannot be reached',
  shared.with(
    { window: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } },
    async ({ gateway, context }) => {
      const page = await signIn(context, gateway);
      await page.getByRole('button', { name: 'Sessions', exact: true }).tap();
      await page.getByRole('navigation', { name: 'Sessions' }).waitFor();
      const focused = () =>
        box(page).evaluate((element) => {
          element.focus();
          return document.activeElement === element;
        });
      assert.equal(await focused(), false);
      await page.touchscreen.tap(350, 400);
      await page.locator('.shell[data-drawer=false]').waitFor();
      assert.equal(await focused(), true);
    },
  ),
);
