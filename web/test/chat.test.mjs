import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, box, holds, say, signIn, untilDone } from './support/browser.mjs';
import { TOKEN } from './support/gateway.mjs';
import { latch, pieces, suite } from './support/suite.mjs';

const shared = suite();

test(
  'signs in, and keeps the token in this tab only',
  shared.with({}, async ({ gateway, context }) => {
    const page = await context.newPage();
    await page.goto(gateway.url);
    await page.getByLabel('Token', { exact: true }).fill('a-token-of-another-gateway');
    await page.keyboard.press('Enter');
    await page.getByText('This gateway does not know that token').waitFor();
    await page.getByLabel('Token', { exact: true }).fill('näh');
    await page.keyboard.press('Enter');
    await page.getByText('That cannot be a token').waitFor();
    await page.getByLabel('Token', { exact: true }).fill(TOKEN);
    await page.keyboard.press('Enter');
    await box(page).waitFor();

    const kept = await page.evaluate(() => ({
      session: JSON.stringify(sessionStorage),
      local: JSON.stringify(localStorage),
      cookie: document.cookie,
      url: location.href,
    }));
    assert.match(kept.session, new RegExp(TOKEN));
    for (const place of ['local', 'cookie', 'url']) assert.doesNotMatch(kept[place], new RegExp(TOKEN), place);

    await page.reload();
    await box(page).waitFor();
    const other = await context.newPage();
    await other.goto(gateway.url);
    await other.getByLabel('Token', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token', { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  }),
);

const ANSWER = `Some **bold** words and \`code\`.

| n | n² |
|---|---:|
| 2 | 4 |

\`\`\`js
const answer = 42; // the
\`\`\`

- [x] done
- [ ] not done

![a picture](https://elsewhere.example/p.png) and [a link](https://elsewhere.example/).
`;

test(
  'streams an answer with Markdown, and copies code',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script({ text: pieces(ANSWER), perChunk: '10ms' });
    const page = await signIn(context, gateway);
    await say(page, 'Show me');
    await page.locator('.message.live .markdown strong').waitFor(); // while it is being written
    await untilDone(page);

    const said = answer(page);
    assert.equal(await said.locator('strong').innerText(), 'bold');
    assert.deepEqual(await said.locator('td').allInnerTexts(), ['2', '4']);
    assert.equal(
      await said
        .locator('td')
        .last()
        .evaluate((cell) => getComputedStyle(cell).textAlign),
      'right',
    );
    await said.locator('.hljs-keyword', { hasText: 'const' }).waitFor();
    assert.deepEqual(await said.locator('li').allInnerTexts(), ['☑ done', '☐ not done']);
    assert.equal(await said.locator('img').count(), 0);
    for (const link of await said.locator('a').all()) {
      assert.equal(await link.getAttribute('target'), '_blank');
      assert.match(await link.getAttribute('rel'), /noopener/);
    }
    await said.getByRole('button', { name: 'Copy', exact: true }).click();
    await said.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'const answer = 42; // the\n');
    await said.getByText('anthropic').or(said.getByText('scripted')).first().waitFor();

    const { sessions } = await gateway.call('GET', '/api/v1/sessions');
    assert.equal(sessions[0].channel, 'web');
    assert.match(sessions[0].key, /^Show-me-[a-z2-9]{8}$/);
    assert.equal(decodeURIComponent(new URL(page.url()).hash), `#/s/${sessions[0].key}`);
  }),
);

test(
  'stops an answer, asks again, edits and sends again',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script({ text: ['Once ', 'upon ', 'a time'], end: 'stall', after: 2 });
    const page = await signIn(context, gateway);
    await say(page, 'A story');
    await page.locator('.live', { hasText: 'Once upon' }).waitFor();
    await page.keyboard.press('Escape');
    await untilDone(page);
    await answer(page).getByText('Stopped').waitFor();
    assert.match(await answer(page).innerText(), /Once upon/);
    assert.equal((await upstream.requests()).at(-1).gone, true, 'the model was told');

    await upstream.script({ text: ['Twice upon a time'] });
    await answer(page).getByRole('button', { name: 'Ask again' }).click();
    await answer(page).getByText('Twice upon a time').waitFor();
    assert.equal((await upstream.requests()).at(-1).messages.at(-1).content, 'A story');

    await untilDone(page);
    await box(page).press('ArrowUp');
    await holds(page, 'A story');
    await box(page).fill('');
    await page.locator('.message.user').first().hover();
    await page.getByRole('button', { name: 'Edit and send again' }).first().click();
    await box(page).press('End');
    await page.keyboard.type(' about claws');
    await page.keyboard.press('Enter');
    await answer(page).getByText('You said: A story about claws').waitFor();
  }),
);

test(
  'keeps a draft for each session, also over a reload',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('First', 'first');
    await gateway.chat('Second', 'second');
    const page = await signIn(context, gateway, '#/s/first');
    await box(page).fill('for the first');
    await page.getByRole('link', { name: /^second/ }).click();
    await page.getByRole('heading', { name: 'second' }).waitFor();
    await holds(page, '');
    await box(page).fill('for the second');
    await page.reload();
    await page.getByText('You said: Second', { exact: true }).waitFor();
    await holds(page, 'for the second');
    await page.getByRole('link', { name: /^first/ }).click();
    await page.getByRole('heading', { name: 'first' }).waitFor();
    await holds(page, 'for the first');
  }),
);

test(
  'lists sessions as one scrolls, searches them, and deletes one after asking',
  shared.with({}, async ({ gateway, context }) => {
    for (let from = 0; from < 260; from += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => gateway.chat('x', `session-${String(from + i).padStart(3, '0')}`)),
      );
    }
    const page = await signIn(context, gateway);
    const items = page.locator('.session-item');
    await page.waitForFunction(() => document.querySelectorAll('.session-item').length >= 100);
    const first = await items.count();
    assert.ok(first < 260, `${first} at once`);
    await page.locator('.session-list').hover();
    while ((await items.count()) < 260) await page.mouse.wheel(0, 4000);
    const keys = await items.locator('bdi').allTextContents();
    assert.equal(new Set(keys).size, 260);

    await page.getByLabel('Search sessions by key').fill('-00');
    await page.waitForFunction(() => document.querySelectorAll('.session-item').length === 10);
    await page.getByLabel('Search sessions by key').fill('session-007');
    await page.waitForFunction(() => document.querySelectorAll('.session-item').length === 1);
    await items.first().getByRole('link').click();
    await page.getByRole('heading', { name: 'session-007' }).waitFor();

    await items.first().getByRole('button', { name: 'Delete session-007' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
    assert.equal((await gateway.call('GET', '/api/v1/sessions/session-007')).messageCount, 2);
    await items.first().getByRole('button', { name: 'Delete session-007' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'New session' }).waitFor();
    await assert.rejects(gateway.call('GET', '/api/v1/sessions/session-007'), /404/);
  }),
);

test(
  'searches pages that are not loaded yet',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('x', 'the-oldest-of-all');
    for (let from = 0; from < 140; from += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => gateway.chat('x', `newer-${from + i}`)));
    }
    const page = await signIn(context, gateway);
    await page.locator('.session-item').first().waitFor();
    await page.getByLabel('Search sessions by key').fill('oldest');
    await page.getByRole('link', { name: /the-oldest-of-all/ }).waitFor();
    await page.getByLabel('Search sessions by key').fill('there is no such');
    await page.getByText('None of 141 sessions has that in its key.').waitFor();
  }),
);

test(
  'says so where a session is not there',
  shared.with({}, async ({ gateway, context }) => {
    const page = await signIn(context, gateway, '#/s/nobody-has-this');
    await page.getByRole('heading', { name: 'There is no such session' }).waitFor();
    await say(page, 'Then I open it');
    await answer(page).getByText('You said: Then I open it').waitFor();
    assert.equal((await gateway.call('GET', '/api/v1/sessions/nobody-has-this')).messageCount, 2);
  }),
);

/** Answers for a gateway whose sessions are these, a hundred a page. */
const listing = (all) => (route) => {
  const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
  const sessions = all.slice(from, from + 100);
  return route.fulfill({
    json: { sessions, ...(from + 100 < all.length && { nextCursor: String(from + 100) }) },
  });
};

const madeUp = (key, lastActivity = new Date().toISOString()) => ({
  key,
  channel: 'api',
  createdAt: lastActivity,
  lastActivity,
  messageCount: 2,
});

test(
  'a search waits for a page that is on its way, and says nothing of sessions that it has not seen',
  shared.with({}, async ({ gateway, context }) => {
    const [asked, held] = [latch(), latch()];
    const list = listing([...Array.from({ length: 250 }, (_, i) => madeUp(`newer-${i}`)), madeUp('the-oldest-of-all')]);
    await context.route('**/api/v1/sessions?*', async (route) => {
      if (route.request().url().includes('cursor=100')) {
        asked.open();
        await held.passed;
      }
      await list(route);
    });
    const page = await signIn(context, gateway);
    await page.locator('.session-item').first().waitFor();
    await page.locator('.session-list').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    await asked.passed;
    const exactly = page.waitForResponse(/\/sessions\/oldest$/);
    await page.getByLabel('Search sessions by key').fill('oldest');
    await exactly; // and then it wants the next page
    assert.doesNotMatch(await page.locator('.list-note').innerText(), /None/);
    held.open();
    await page.getByRole('link', { name: /the-oldest-of-all/ }).waitFor();
  }),
);

test(
  'sessions of one moment stay in the list when it is looked at again',
  shared.with({}, async ({ gateway, context }) => {
    // So many in one millisecond would be luck. The last ones keep what is between from being loaded again.
    const [at, before] = ['2026-11-28T09:00:01.000Z', '2026-11-28T09:00:00.000Z'];
    const all = Array.from({ length: 120 }, (_, i) => madeUp(`one-of-many-${i}`, i < 110 ? at : before));
    await context.route('**/api/v1/sessions?*', (route) => listing(all)(route));
    const page = await signIn(context, gateway);
    await page.locator('.session-item').first().waitFor();
    await page.locator('.session-list').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    const items = page.locator('.session-item');
    await items.nth(119).waitFor({ state: 'attached' });
    all[0] = { ...all[0], messageCount: 77 };
    all.splice(50, 1); // deleted elsewhere
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByText('77 messages').waitFor({ state: 'attached' });
    const keys = await items.locator('bdi').allTextContents();
    assert.deepEqual(
      keys,
      all.map((s) => s.key),
    );
  }),
);

test(
  'what is typed stays where a message is put back beside it',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('What was said', 'kept');
    const page = await signIn(context, gateway, '#/s/kept');
    await answer(page).getByText('You said: What was said').waitFor();
    await box(page).fill('half a thought');
    await page.locator('.message.user').hover();
    await page.getByRole('button', { name: 'Edit and send again' }).click();
    await holds(page, 'What was said\n\nhalf a thought');
    await page.reload();
    await answer(page).getByText('You said: What was said').waitFor();
    await holds(page, 'What was said\n\nhalf a thought');
  }),
);

test(
  'the Enter that ends a composition of characters sends nothing, in Safari too',
  shared.with({}, async ({ gateway, context }) => {
    const page = await signIn(context, gateway);
    await box(page).fill('にほん');
    await box(page).evaluate((element) =>
      element.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }),
      ),
    );
    await holds(page, 'にほん');
    await page.keyboard.press('Enter');
    await answer(page).getByText('You said: にほん').waitFor();
  }),
);

test(
  'a session that is deleted elsewhere is not shown as if it were there',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('Hello', 'short-lived');
    const page = await signIn(context, gateway, '#/s/short-lived');
    await answer(page).getByText('You said: Hello').waitFor();
    await page.getByRole('link', { name: /^short-lived/ }).waitFor();
    assert.equal(await page.title(), 'short-lived · OpenClaw');
    await gateway.call('DELETE', '/api/v1/sessions/short-lived');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('heading', { name: 'There is no such session' }).waitFor();
  }),
);

test(
  'of a session outside the list, no number of messages is made up',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.fill('long', 60, 'An answer.');
    await context.route('**/api/v1/sessions?*', (route) => route.fulfill({ json: { sessions: [] } }));
    const page = await signIn(context, gateway, '#/s/long');
    await answer(page).waitFor();
    assert.doesNotMatch(await page.locator('.head').innerText(), /message/);
    await page.getByRole('button', { name: 'Delete this session' }).click();
    await page.getByRole('dialog').getByText('All its messages will be erased').waitFor();
  }),
);
