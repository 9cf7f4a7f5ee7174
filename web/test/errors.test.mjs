import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, box, holds, say, signIn, untilDone } from './support/browser.mjs';
import { latch, pieces, suite } from './support/suite.mjs';

const shared = suite();

const users = async (gateway, key) =>
  (await gateway.call('GET', `/api/v1/sessions/${key}/history`)).messages.filter((m) => m.role === 'user').length;

test(
  '429: counts down, and sends by itself',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.kill();
    await gateway.launch({ chat: 2 });
    const page = await context.newPage();
    await page.clock.install(); // a minute need not be waited for
    await page.close();
    const tab = await signIn(context, gateway, '#/s/limited');
    for (const text of ['One', 'Two']) {
      await say(tab, text);
      await answer(tab).getByText(`You said: ${text}`).waitFor();
    }
    await say(tab, 'Three');
    await tab.getByText('Too many requests with this token').waitFor();
    const first = Number.parseInt(await tab.locator('.countdown').innerText(), 10);
    assert.ok(first > 0 && first <= 60, `${first} s`);
    await tab.clock.runFor(2000);
    assert.ok(Number.parseInt(await tab.locator('.countdown').innerText(), 10) < first, 'it counts');
    await tab.getByRole('link', { name: /Gateway/ }).click();
    await tab.getByText('0 of 2 left').waitFor();
    await tab.goBack();

    await gateway.kill();
    await gateway.launch(); // whose limits are fresh
    await tab.clock.runFor(61_000);
    await answer(tab).getByText('You said: Three').waitFor();
    assert.equal(await users(gateway, 'limited'), 3);
  }),
);

test(
  '429: can be taken back',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.kill();
    await gateway.launch({ chat: 1 });
    const page = await signIn(context, gateway, '#/s/limited');
    await say(page, 'One');
    await answer(page).getByText('You said: One').waitFor();
    await say(page, 'Two');
    await page.getByRole('button', { name: 'Take it back' }).click();
    await holds(page, 'Two');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Take it back' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Take it back' }).waitFor({ state: 'detached' });
    await holds(page, 'Two', 'stopped before it was taken, it is not lost');
    assert.equal(await users(gateway, 'limited'), 1);
  }),
);

test(
  '429: what is stopped before the gateway has refused it is put back, and a session without a message is new',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.kill();
    await gateway.launch({ chat: 1 });
    await gateway.chat('Uses it up', 'other');
    const [asked, held] = [latch(), latch()];
    await context.route('**/chat/stream', async (route) => {
      asked.open();
      await held.passed;
      await route.continue();
    });
    const page = await signIn(context, gateway);
    await say(page, 'Not so fast');
    await asked.passed;
    await page.keyboard.press('Escape');
    held.open();
    await page.getByRole('heading', { name: 'What is on your mind?' }).waitFor();
    await holds(page, 'Not so fast');
  }),
);

test(
  '429: goes on after a reload, whatever is shown then',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.kill();
    await gateway.launch({ chat: 1 });
    const page = await signIn(context, gateway, '#/s/limited');
    await say(page, 'One');
    await answer(page).getByText('You said: One').waitFor();
    await say(page, 'Two');
    await page.getByRole('button', { name: 'Take it back' }).waitFor();
    await page.getByRole('link', { name: /Gateway/ }).click();
    await page.getByText('Newest sessions').waitFor();
    await gateway.kill();
    await gateway.launch(); // whose limits are fresh
    await page.reload();
    await page.getByRole('cell', { name: '4', exact: true }).waitFor();
    assert.equal(await users(gateway, 'limited'), 2);
  }),
);

test(
  '429 for reading: counts down, and loads by itself',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('Hello', 'later');
    await gateway.kill();
    await gateway.launch({ read: 3 }); // status, list, permission: nothing is left for the history
    const blank = await context.newPage();
    await blank.clock.install();
    await blank.close();
    const page = await signIn(context, gateway);
    await page.waitForFunction(() => document.querySelector('.session-item, .list-note'));
    await page.evaluate(() => (location.hash = '#/s/later'));
    await page.getByRole('button', { name: /^Tries again in \d+ s$/ }).waitFor();
    await gateway.kill();
    await gateway.launch();
    await page.clock.runFor(61_000);
    await answer(page).getByText('You said: Hello').waitFor();
  }),
);

test(
  '502: says why, and a second try is not a second message',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.always({ status: 401 });
    const page = await signIn(context, gateway, '#/s/broken');
    await say(page, 'Are you there?');
    await page.getByText("The gateway's access to the model does not work").waitFor();
    await page.getByText('check the API key and the model name').waitFor();
    await page.reload();
    await page.getByText("The gateway's access to the model does not work").waitFor();

    await upstream.always({ status: 400 });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The model refused this message').waitFor();

    await upstream.always({});
    await page.getByRole('button', { name: 'Try again' }).click();
    await answer(page).getByText('You said: Are you there?').waitFor();
    assert.equal(await page.locator('.problem').count(), 0);
    assert.equal(await users(gateway, 'broken'), 1);
  }),
);

test(
  '502: once dismissed, no answer is promised',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.always({ status: 401 });
    const page = await context.newPage();
    await page.clock.install();
    await page.close();
    const tab = await signIn(context, gateway, '#/s/given-up');
    await say(tab, 'Are you there?');
    await tab.getByRole('button', { name: 'Dismiss' }).click();
    for (const reload of [false, true]) {
      if (reload) await tab.reload();
      await tab.getByText('Are you there?', { exact: true }).waitFor();
      await tab.clock.runFor(3000); // in which it looks for answers that others have asked for
      await tab.getByText('There is no answer to this.').waitFor();
    }
    await upstream.always({});
    await tab.getByRole('button', { name: 'Ask again' }).click();
    await answer(tab).getByText('You said: Are you there?').waitFor();
  }),
);

test(
  '502 in the middle of an answer: what came is kept, with the reason below it',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script({ text: pieces('The beginning of something'), end: 'truncate', after: 2 });
    const page = await signIn(context, gateway);
    await say(page, 'Go on');
    await untilDone(page);
    await answer(page).getByText('The beginning').waitFor();
    await page.getByText('The answer broke off').waitFor();
    assert.equal(await page.locator('.problem').count(), 1);
  }),
);

test(
  '403: a token that may only chat',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.kill();
    await gateway.launch({ permissions: ['chat'] });
    const page = await signIn(context, gateway);
    await page.getByText('This token may not list sessions').waitFor();
    await say(page, 'Hello');
    await answer(page).getByText('You said: Hello').waitFor();
    await say(page, 'Again');
    await answer(page).getByText('You said: Again').waitFor();
    assert.equal(await page.locator('.message').count(), 4);
    await page.getByRole('link', { name: /Gateway/ }).click();
    await page.getByText('not allowed: list, read and delete sessions').waitFor();
    await page.getByText('To allow more, add "sessions"').waitFor();
    await page.goBack();
    await page.reload();
    await page.getByRole('heading', { name: 'This token may not read what was said' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Delete this session' }).count(), 0);
    await say(page, 'Once more');
    await answer(page).getByText('You said: Once more').waitFor();
  }),
);

test(
  '403: a token that may only read',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('Hello', 'readable');
    await gateway.kill();
    await gateway.launch({ permissions: ['sessions'] });
    const page = await signIn(context, gateway, '#/s/readable');
    await answer(page).getByText('You said: Hello').waitFor();
    await page.getByPlaceholder('This token may not chat').waitFor();
    assert.equal(await box(page).isDisabled(), true);
    assert.equal(await page.getByRole('button', { name: /Ask again|Edit and send again/ }).count(), 0);
    await page.getByRole('link', { name: /Gateway/ }).click();
    await page.getByText('not allowed: send messages, stop answers').waitFor();
  }),
);

test(
  '401: a token that is revoked while somebody is signed in',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('Hello', 'kept');
    const page = await signIn(context, gateway, '#/s/kept');
    await answer(page).getByText('You said: Hello').waitFor();
    await box(page).fill('half a thought');
    await gateway.kill();
    await gateway.launch({ token: 'another-token-that-only-the-tests-know' });
    await page.getByText('This token is no longer accepted').waitFor({ timeout: 30_000 });
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify(sessionStorage)), /a-token-that-only/);
    await page.getByLabel('Token', { exact: true }).fill('another-token-that-only-the-tests-know');
    await page.keyboard.press('Enter');
    await answer(page).getByText('You said: Hello').waitFor();
    await holds(page, 'half a thought');
  }),
);

test(
  '503: a gateway that is shutting down gets the message once it is back',
  shared.with({}, async ({ gateway, context, upstream }) => {
    const page = await signIn(context, gateway, '#/s/patient');
    await upstream.script({ text: pieces('x'.repeat(100), 1), perChunk: '30ms' });
    const other = gateway.chat('Keep the gateway busy', 'other');
    while (!(await upstream.requests()).some((r) => r.messages.at(-1).content === 'Keep the gateway busy'));
    gateway.child.kill('SIGTERM');
    while ((await fetch(`${gateway.url}/readyz`)).status !== 503);
    await say(page, 'After you');
    await page.getByText('The gateway takes no new work right now').waitFor();
    await other;
    await gateway.kill();
    await gateway.launch();
    await answer(page).getByText('You said: After you').waitFor({ timeout: 20_000 });
    assert.equal(await users(gateway, 'patient'), 1);
  }),
);

test(
  'a message that is too long is not sent',
  shared.with({}, async ({ gateway, context }) => {
    const page = await signIn(context, gateway);
    await box(page).fill('ä'.repeat(131_073));
    await page.getByText('262,146 of 262,144 bytes: too long').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled(), true);
    await box(page).fill('ä'.repeat(131_072));
    assert.equal(await page.getByRole('button', { name: 'Send', exact: true }).isEnabled(), true);
  }),
);
