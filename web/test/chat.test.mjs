import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, box, say, signIn, untilDone } from './support/browser.mjs';
import { TOKEN } from './support/gateway.mjs';
import { pieces, suite } from './support/suite.mjs';

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
    assert.equal(await box(page).inputValue(), 'A story');
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
    assert.equal(await box(page).inputValue(), '');
    await box(page).fill('for the second');
    await page.reload();
    await page.getByText('You said: Second', { exact: true }).waitFor();
    assert.equal(await box(page).inputValue(), 'for the second');
    await page.getByRole('link', { name: /^first/ }).click();
    await page.getByRole('heading', { name: 'first' }).waitFor();
    assert.equal(await box(page).inputValue(), 'for the first');
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
