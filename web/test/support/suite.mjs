// What most tests share: one model server, one browser, and a gateway for each test.
import { after, before } from 'node:test';
import { launch, open } from './browser.mjs';
import { Gateway, Upstream } from './gateway.mjs';

/** Starts what a file's tests share. The fields are there once the first test runs. */
export function suite() {
  const shared = {};
  before(async () => {
    shared.upstream = await Upstream.start();
    shared.browser = await launch();
  });
  after(async () => {
    await shared.browser?.close();
    await shared.upstream?.stop();
  });

  /** Runs a test with a fresh gateway and a fresh window, and fails where the page did what it never may. */
  shared.with = (options, body) => async (t) => {
    await shared.upstream.always({});
    const gateway = await Gateway.start({ upstream: shared.upstream, ...options });
    const { context, verify } = await open(shared.browser, gateway, options.window);
    try {
      await body({ gateway, context, upstream: shared.upstream, t });
      verify();
    } catch (error) {
      const page = context.pages().at(-1);
      const seen = await page
        ?.locator('body')
        .innerText()
        .catch(() => '');
      error.message += `\n\nThe page shows:\n${seen?.slice(0, 1500)}\n\nThe gateway's log:\n${gateway.log.slice(-1500)}`;
      throw error;
    } finally {
      await context.close();
      await gateway.stop();
    }
  };
  return shared;
}

/** Cuts a text into pieces, as a model writes it. */
export const pieces = (text, size = 8) => text.match(new RegExp(`[^]{1,${size}}`, 'g'));

/** Something to be waited for, which `open` lets pass. */
export function latch() {
  let open;
  const passed = new Promise((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
