// Takes the pictures of docs/page.md, of the real page before a scripted model: npm run screenshots
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { answer, box, launch, open, say, signIn, untilDone } from './support/browser.mjs';
import { Gateway, scripted, Upstream } from './support/gateway.mjs';
import { pieces } from './support/suite.mjs';

const out = fileURLToPath(new URL('../../docs/screenshots', import.meta.url));
mkdirSync(out, { recursive: true });

const TALK = [
  [
    'How do I find a value in a sorted slice in Go?',
    `With a **binary search**: it halves the range at each step. The standard library has one since Go 1.21:

\`\`\`go
i, found := slices.BinarySearch(prices, 420)
if !found {
	prices = slices.Insert(prices, i, 420) // where it belongs
}
\`\`\`

| elements | comparisons |
|---:|---:|
| 1,000 | 10 |
| 1,000,000 | 20 |

1. The slice must be *sorted* in ascending order.
2. For anything but numbers and strings there is \`slices.BinarySearchFunc\`.
`,
  ],
  [
    'And if it is sorted the other way round?',
    'Then turn the comparison around:\n\n```go\ni, found := slices.BinarySearchFunc(prices, 420, func(a, b int) int {\n\treturn cmp.Compare(b, a)\n})\n```\n',
  ],
];

const OTHERS = [
  ['nightly-report', 'Summarise the failed jobs of last night.'],
  ['support:ticket-4711', 'A customer cannot sign in.'],
  ['web-shop-descriptions', 'Describe a ceramic coffee dripper in two sentences.'],
  ['release-notes-draft', 'Turn these commits into release notes.'],
];

async function furnish(gateway, upstream) {
  await upstream.always({ text: ['Done. ', 'Here is the short version.'], usage: { input: 412, output: 96 } });
  for (const [key, message] of OTHERS) for (let i = 0; i < 2; i++) await gateway.chat(message, key);
}

async function talk(page, upstream) {
  for (const [question, reply] of TALK) {
    await upstream.script({ text: pieces(reply), usage: { input: 38, output: 171 } });
    await say(page, question);
    await untilDone(page);
  }
  await answer(page).locator('.hljs-title, .hljs-keyword').first().waitFor();
  await box(page).blur();
}

async function shoot(page, name) {
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${out}/${name}.png`, animations: 'disabled', caret: 'hide' });
}

const wide = { viewport: { width: 1200, height: 800 } };
const phone = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true };

const upstream = await Upstream.start();
const browser = await launch();

async function scene(window, options, play) {
  const gateway = await Gateway.start({
    upstream,
    api: { chat: 100, read: 1000 },
    models: scripted(upstream, 'claude-sonnet-4-20250514'),
    ...options,
  });
  const { context, verify } = await open(browser, gateway, { reducedMotion: 'reduce', ...window });
  try {
    await play({ gateway, context });
    verify();
  } finally {
    await context.close();
    await gateway.stop();
  }
}

for (const colorScheme of ['light', 'dark']) {
  await scene({ ...wide, colorScheme }, {}, async ({ gateway, context }) => {
    await furnish(gateway, upstream);
    const page = await signIn(context, gateway);
    await talk(page, upstream);
    await shoot(page, `chat-${colorScheme}`);
    if (colorScheme === 'dark') return;

    await upstream.script({
      text: pieces('The three jobs that failed were all waiting for the same database'),
      end: 'stall',
      after: 6,
    });
    await say(page, 'What went wrong in the nightly build?');
    await page.locator('.live', { hasText: 'three jobs' }).waitFor();
    await page.evaluate(() => (location.hash = '#/control'));
    await page.locator('.run-tail', { hasText: 'three jobs' }).waitFor();
    await page.getByText('counting…').first().waitFor({ state: 'detached' });
    await shoot(page, 'control');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText('None that were asked for').waitFor();

    await upstream.always({ status: 401 });
    await page.goBack();
    await say(page, 'Try that once more, please.');
    await page.locator('.problem').waitFor();
    await shoot(page, 'error');
  });
}

await scene({ ...phone, colorScheme: 'light' }, {}, async ({ gateway, context }) => {
  await furnish(gateway, upstream);
  const page = await signIn(context, gateway);
  await talk(page, upstream);
  await shoot(page, 'phone');
  await page.getByRole('button', { name: 'Sessions', exact: true }).tap();
  await page.getByRole('navigation', { name: 'Sessions' }).waitFor();
  await shoot(page, 'phone-sessions');
});

const none = { default: 'offline/offline', providers: { offline: { type: 'offline' } } };
await scene({ ...wide, colorScheme: 'light' }, { models: none }, async ({ gateway, context }) => {
  const page = await signIn(context, gateway);
  await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor();
  await box(page).blur();
  await shoot(page, 'no-model');
});

await browser.close();
await upstream.stop();
