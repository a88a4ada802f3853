import test, {type ExecutionContext} from 'ava';
import type {Browser} from 'playwright-core';
import {hasBrowser, openBrowser} from './browser.ts';

/** Declares a test of a page; it is skipped where there is no browser. */
export type WithBrowser = (title: string, body: (t: ExecutionContext, browser: Browser) => Promise<void>) => void;

/** How tests of pages are declared. All tests of a file share one browser, which is closed after the last. */
export function browserTests(): WithBrowser {
  let browser: Browser;
  test.before(async () => {
    if (hasBrowser) browser = await openBrowser();
  });
  test.after.always(() => browser?.close());
  if (hasBrowser) return (title, body) => test.serial(title, t => body(t, browser));
  return (title, body) => test.serial.skip(`${title}: needs Chromium at /usr/bin/chromium or in CORE_TEST_CHROMIUM`, t => body(t, browser));
}
