import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, say, signIn } from './support/browser.mjs';
import { suite } from './support/suite.mjs';

const shared = suite();

const MESSAGES = 10_000;
const REPLY = [
  'Some *words* to fill a line or two with, as answers do.\n\n',
  '```go\nfmt.Println("and code")\n```\n\n',
  '- a\n- b\n',
];

test(
  `${MESSAGES} messages: opens at once, scrolls smoothly, stays small`,
  shared.with({}, async ({ gateway, context, upstream, t }) => {
    await upstream.always({ text: REPLY });
    await gateway.fill('long', MESSAGES / 2, REPLY.join(''));
    assert.equal((await gateway.call('GET', '/api/v1/sessions/long')).messageCount, MESSAGES);

    const page = await signIn(context, gateway);
    const begun = performance.now();
    await page.getByRole('link', { name: /^long/ }).click();
    await answer(page).locator('.hljs-string').waitFor();
    const opened = performance.now() - begun;
    assert.ok(opened < 3000, `${opened} ms to open`);
    const atEnd = () => page.locator('.thread').evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
    assert.ok((await atEnd()) < 2, 'begins at the newest message');

    // What is being read stays where it is while older messages are put before it.
    await page.locator('.thread').evaluate((e) => {
      e.scrollTop = 2000; // not so near to the oldest that the next page is loaded
    });
    await page.getByRole('button', { name: 'To the newest message' }).waitFor();
    const mark = await page.evaluate(() => {
      const top = document.querySelector('.thread').getBoundingClientRect().top;
      const seen = [...document.querySelectorAll('.entry')].find((e) => e.getBoundingClientRect().bottom > top);
      seen.id = 'mark';
      return { y: seen.getBoundingClientRect().y, groups: document.querySelectorAll('.group').length };
    });
    const drift = await page.evaluate(async (groups) => {
      const before = document.querySelector('#mark').getBoundingClientRect().y;
      const thread = document.querySelector('.thread');
      let worst = 0;
      // Up and down by hand, so near to the oldest that pages come in meanwhile.
      for (let i = 0; i < 40 || (i < 400 && document.querySelectorAll('.group').length <= groups); i++) {
        thread.scrollTop += i % 2 ? 1200 : -1200;
        // What counts is what is painted, not what stands between a change and its frame.
        await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
        if (i % 2)
          worst = Math.max(worst, Math.abs(document.querySelector('#mark').getBoundingClientRect().y - before));
      }
      return document.querySelectorAll('.group').length > groups ? worst : Number.POSITIVE_INFINITY;
    }, mark.groups);
    assert.ok(drift < 3, `what was being read moved by ${drift} px`);

    // All the way up, as fast as the wheel goes, with an eye on the frames, and on what they take of the processor: that is
    // the page's own, however busy the machine is.
    const inspector = await context.newCDPSession(page);
    await inspector.send('Performance.enable', { timeDomain: 'threadTicks' });
    const worked = async () =>
      (await inspector.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value;
    const workedBefore = await worked();
    await page.evaluate(() => {
      globalThis.frames10k = [];
      let last = performance.now();
      const tick = (now) => {
        globalThis.frames10k.push(now - last);
        last = now;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
    const first = page.getByText('question 0', { exact: true });
    const scrolled = performance.now();
    await page.locator('.thread').hover();
    const atTop = () => page.locator('.thread').evaluate((e) => e.scrollTop === 0 && !e.querySelector('.older'));
    while (!(await atTop())) await page.mouse.wheel(0, -3000);
    const reached = performance.now() - scrolled;
    await first.waitFor();
    const work = (await worked()) - workedBefore;
    const { frames, nodes, total, heap } = await page.evaluate(() => ({
      frames: globalThis.frames10k.slice(2).sort((a, b) => a - b),
      nodes: document.querySelectorAll('*').length,
      total: document.querySelectorAll('.group').length,
      heap: Math.round(performance.memory.usedJSHeapSize / 2 ** 20),
    }));
    assert.ok(total >= MESSAGES / 20, `${total} groups of 20`);
    assert.ok(nodes < 6000, `${nodes} elements`);
    const perMessage = (1000 * work) / MESSAGES;
    const at = (q) => Math.round(frames[Math.floor(frames.length * q)]);
    t.diagnostic(
      `opened in ${Math.round(opened)} ms; ${MESSAGES} messages scrolled through in ${(reached / 1000).toFixed(1)} s; ` +
        `frames ms p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, worst ${Math.round(frames.at(-1))}; ${perMessage.toFixed(1)} ms of work per message; ${nodes} elements, heap ${heap} MB`,
    );
    assert.ok(perMessage < 20, `${perMessage} ms of work per message`);

    // And back to the end, where one can go on.
    await page.getByRole('button', { name: 'To the newest message' }).click();
    await page.getByText(`question ${MESSAGES / 2 - 1}`, { exact: true }).waitFor();
    await say(page, 'One more');
    await page.getByText('10,002 messages').first().waitFor();
    assert.ok((await atEnd()) < 2, 'follows what was said');
  }),
);
