import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, box, holds, say, signIn, untilDone } from './support/browser.mjs';
import { latch, suite } from './support/suite.mjs';

const shared = suite();

// Long enough to be cut in its middle, and each word once, so that a gap or a repetition shows.
const WORDS = Array.from({ length: 120 }, (_, i) => `w${i} `);
const WHOLE = WORDS.join('').trim();
const slowly = { text: WORDS, perChunk: '25ms' };

/** Goes on until somebody stops it, however slow the machine is. */
const endlessly = { ...slowly, end: 'stall', after: 60 };

const live = (page, word) => page.locator('.message.live', { hasText: word }).waitFor();

async function whole(page) {
  await untilDone(page);
  assert.equal(await page.locator('.message.assistant').count(), 1);
  assert.equal(await answer(page).locator('.markdown').innerText(), WHOLE);
  assert.equal(await page.locator('.message.user').count(), 1);
}

async function once(gateway, upstream, key) {
  const { messages } = await gateway.call('GET', `/api/v1/sessions/${key}/history`);
  assert.deepEqual(
    messages.map((m) => [m.role, m.status]),
    [
      ['user', 'complete'],
      ['assistant', 'complete'],
    ],
  );
  const calls = (await upstream.requests()).filter((r) => r.messages.at(-1).content === messages[0].content);
  assert.equal(calls.length, 1, 'the model was asked once');
}

const keyOf = (page) => decodeURIComponent(new URL(page.url()).hash.slice(4));

test(
  'a connection cut in the middle of an answer: it is taken up where it broke off',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script(slowly);
    const page = await signIn(context, gateway);
    await say(page, 'Cut this');
    await live(page, 'w20 ');
    gateway.wire.cut();
    await page.getByText('The gateway does not answer').waitFor();
    await page.getByText('is taken up again').waitFor();
    gateway.wire.mend();
    await page.getByText('The gateway does not answer').waitFor({ state: 'detached' });
    await whole(page);
    await once(gateway, upstream, keyOf(page));
  }),
);

test(
  'a browser that goes offline in the middle of an answer',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script(slowly);
    const page = await signIn(context, gateway);
    await say(page, 'Offline with this');
    await live(page, 'w20 ');
    await context.setOffline(true);
    gateway.wire.cut();
    await page.getByText('The gateway does not answer').waitFor();
    gateway.wire.mend();
    await context.setOffline(false);
    await whole(page);
  }),
);

test(
  'a connection cut before the gateway acknowledged the message: it arrives once',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script({ text: WORDS });
    const page = await signIn(context, gateway);
    await page.getByText('healthy').waitFor();
    gateway.wire.cut();
    await say(page, 'Into the void');
    await page.getByText('The gateway does not answer').waitFor();
    gateway.wire.mend();
    await whole(page);
    await once(gateway, upstream, keyOf(page));
  }),
);

test(
  'a reload in the middle of an answer',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script(slowly);
    const page = await signIn(context, gateway);
    await say(page, 'Reload this');
    await live(page, 'w20 ');
    const takenUp = page.waitForRequest(/\/messages\/[^/]+\/stream$/);
    await page.reload();
    await takenUp;
    await whole(page);
    await once(gateway, upstream, keyOf(page));
  }),
);

test(
  'a reload before the message was acknowledged',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script({ text: WORDS });
    const page = await signIn(context, gateway);
    await page.getByText('healthy').waitFor();
    gateway.wire.cut();
    await say(page, 'Reload early');
    await page.getByText('The gateway does not answer').waitFor();
    gateway.wire.mend();
    await page.reload();
    await whole(page);
    await once(gateway, upstream, keyOf(page));
  }),
);

test(
  'a gateway killed in the middle of an answer: what came is there, and asking again goes on from it',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await upstream.script(endlessly);
    const page = await signIn(context, gateway);
    await say(page, 'Kill this');
    await live(page, 'w40 ');
    await gateway.kill();
    await page.getByText('The gateway does not answer').waitFor();
    await gateway.launch();
    await untilDone(page);
    await answer(page).locator('.problem').waitFor();
    assert.match(await answer(page).locator('.markdown').innerText(), /^w0 w1 w2 /);

    await upstream.script({ text: ['Here it is.'] });
    await page
      .getByRole('button', { name: /Ask again|Try again/ })
      .first()
      .click();
    await answer(page).getByText('Here it is.').waitFor();
  }),
);

test(
  'a gateway that goes and comes back while nothing is asked',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('Before', 'talk');
    const page = await signIn(context, gateway, '#/s/talk');
    await page.getByText('You said: Before', { exact: true }).waitFor();
    await gateway.kill('SIGTERM');
    await page.getByText('The gateway does not answer').waitFor({ timeout: 25_000 });
    await gateway.launch();
    await page.getByText('The gateway does not answer').waitFor({ state: 'detached' });
    await say(page, 'After');
    await answer(page).getByText('You said: After').waitFor();
  }),
);

test(
  'two tabs on one session: both see the answer grow, either can stop it',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await gateway.chat('Hello', 'shared');
    const [one, two] = [await signIn(context, gateway, '#/s/shared'), await signIn(context, gateway, '#/s/shared')];
    await upstream.script(endlessly);
    await say(one, 'For both');
    for (const page of [one, two]) await live(page, 'w20 ');
    const third = await signIn(context, gateway, '#/s/shared'); // opened in the middle
    await live(third, 'w40 ');
    await two.getByRole('button', { name: 'Stop the answer' }).click();
    for (const page of [one, two, third]) {
      await untilDone(page);
      await answer(page).getByText('Stopped').waitFor();
      assert.equal(await page.locator('.message').count(), 4);
    }
    await box(third).fill('half a thought');

    // A session of this key has been deleted in another workspace; then, this one.
    const asked = third.waitForResponse(/\/sessions\/shared$/);
    await one.evaluate(() => new BroadcastChannel('openclaw').postMessage({ type: 'deleted', sessionKey: 'shared' }));
    assert.equal((await asked).status(), 200);
    await third.getByRole('heading', { name: 'shared' }).waitFor();
    await two.getByRole('button', { name: 'Delete this session' }).click();
    await two.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    for (const page of [one, two, third]) await page.getByRole('heading', { name: 'New session' }).waitFor();
    await holds(third, 'half a thought');
  }),
);

test(
  'what another program says in the session appears by itself',
  shared.with({}, async ({ gateway, context }) => {
    await gateway.chat('Hello', 'with-others');
    const page = await signIn(context, gateway, '#/s/with-others');
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    await gateway.chat('From elsewhere', 'with-others');
    await page.getByText('You said: From elsewhere', { exact: true }).waitFor({ timeout: 20_000 });
  }),
);

test(
  'an answer goes on while another session is shown, and is marked when it is there',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await gateway.chat('Hello', 'other');
    await upstream.script({ ...slowly, perChunk: '60ms' });
    const page = await signIn(context, gateway);
    await say(page, 'Go on without me');
    await live(page, 'w10 ');
    await page.getByRole('link', { name: /^other/ }).click();
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    await page.getByRole('img', { name: 'answering' }).waitFor();
    assert.doesNotMatch(await page.locator('.visually-hidden[role=status]').innerText(), /The answer is there/);
    assert.equal(await box(page).isEnabled(), true);
    await page.getByRole('img', { name: 'new answer' }).waitFor();
    await page.getByRole('link', { name: /Go on without me/ }).click();
    await page.getByRole('heading', { name: 'Go on without me' }).waitFor();
    await whole(page);
    assert.equal(await page.getByRole('img', { name: 'new answer' }).count(), 0);
  }),
);

test(
  'somebody who looks elsewhere and back while the gateway is away follows the answer again',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await gateway.chat('Hello', 'other');
    await upstream.script(slowly);
    const page = await signIn(context, gateway, '#/s/other');
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    await page.keyboard.press('Alt+n');
    await say(page, 'There and back');
    await live(page, 'w10 ');
    gateway.wire.cut();
    await page.getByText('The gateway does not answer').waitFor();
    await page.getByRole('link', { name: /^other/ }).click();
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    await page.getByRole('link', { name: /There and back/ }).click();
    await page.getByText('There and back', { exact: true }).first().waitFor();
    const resumed = page.waitForRequest(/\/messages\/[^/]+\/stream$/);
    gateway.wire.mend();
    await resumed;
    await whole(page);
    assert.equal(await page.getByRole('img', { name: 'new answer' }).count(), 0);
  }),
);

test(
  'an answer that one session waits for is not expected in another',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await gateway.chat('Hello', 'answered');
    await upstream.script({ text: ['Late'], end: 'stall', after: 0 });
    const left = new AbortController();
    const asked = gateway.chat('From elsewhere', 'waiting', left.signal).catch(() => {});
    while (!(await upstream.requests()).some((r) => r.messages.at(-1).content === 'From elsewhere'));
    const page = await signIn(context, gateway, '#/s/waiting');
    const expected = page.getByText(/on its way|being written elsewhere/);
    await expected.waitFor();
    await page.getByRole('link', { name: /^answered/ }).click();
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    assert.equal(await expected.count(), 0);
    left.abort();
    await asked;
  }),
);

test(
  'an old account of a session that comes late does not take the answer away',
  shared.with({}, async ({ gateway, context, upstream }) => {
    await gateway.chat('Hello', 'raced');
    const page = await signIn(context, gateway, '#/s/raced');
    await page.getByText('You said: Hello', { exact: true }).waitFor();
    const [first, second] = [latch(), latch()];
    let asked = 0;
    await context.route('**/history?*', async (route) => {
      const number = ++asked;
      if (number > 2) return; // others would tell the truth again
      const response = await route.fetch();
      if (number === 1) await second.passed;
      await route.fulfill({ response });
      if (number === 1) first.open();
      else second.open();
    });
    await upstream.script({ text: ['The answer'], firstByte: '500ms' });
    await say(page, 'Quickly');
    await answer(page).getByText('The answer').waitFor();
    await first.passed;
    // The page has it once it has drawn a frame after another answer.
    await page.evaluate(() =>
      fetch('healthz').then(() => new Promise((next) => requestAnimationFrame(() => setTimeout(next)))),
    );
    assert.equal(await answer(page).locator('.markdown').innerText(), 'The answer');
  }),
);
