// A real browser, which also keeps watch: over requests to other hosts, over violations of the page's policy, over errors.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { TOKEN } from './gateway.mjs';

const args = [
  '--no-sandbox',
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
}

/**
 * Opens a window of its own, as a person's browser would: its tabs share what they share, and nothing is left of others.
 *
 * @returns context, and `verify`, which fails where anything happened that never may
 */
export async function open(browser, gateway, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
    locale: 'en-GB',
    ...options,
  });
  const [foreign, violations, errors] = [[], [], []];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== gateway.url && url.protocol !== 'data:') foreign.push(request.url());
    if (request.url().includes(TOKEN)) violations.push(`the token is in ${request.url()}`);
  });
  context.on('weberror', (error) => errors.push(String(error.error())));
  await context.exposeBinding('reportViolation', (_, text) => violations.push(text));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      globalThis.reportViolation(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  const verify = () => {
    assert.deepEqual(foreign, [], 'requests to other hosts');
    assert.deepEqual(violations, [], 'violations of the policy');
    assert.deepEqual(errors, [], 'errors of the page');
  };
  return { context, verify };
}

/** Opens a tab and signs in. */
export async function signIn(context, gateway, hash = '', token = TOKEN) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000); // as beside much other work
  await page.goto(`${gateway.url}/${hash}`);
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page
    .getByLabel('Message', { exact: true })
    .or(page.getByRole('heading', { name: 'Gateway' }))
    .first()
    .waitFor();
  return page;
}

export const box = (page) => page.getByLabel('Message', { exact: true });

/** Waits until the box for messages holds a text: what puts one there shows it a moment after what led to it. */
export async function holds(page, text, why) {
  const shown = page.waitForFunction((t) => document.querySelector('.composer textarea')?.value === t, text);
  await shown.catch(async (error) => assert.equal(await box(page).inputValue(), text, why ?? error.message));
}

export async function say(page, text) {
  await box(page).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

/** The newest answer that is whole. */
export const answer = (page) => page.locator('.message.assistant:not(.live)').last();

export async function untilDone(page) {
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
}
