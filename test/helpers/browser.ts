import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import process from 'node:process';
import {type Browser, chromium, type Page} from 'playwright-core';

/** Debian's Chromium, or the one that CORE_TEST_CHROMIUM names. */
const executable = process.env.CORE_TEST_CHROMIUM ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(executable);

/** Root may not use Chromium's sandbox; the tests show it only pages of ours. */
export const openBrowser = (): Promise<Browser> => chromium.launch({executablePath: executable, args: ['--no-sandbox']});

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
}

/** A page, and what it did that no page of ours may do. */
export interface Visit {
  readonly page: Page;
  /** Requests to somewhere else, errors, and violations of the policy for its content. */
  readonly complaints: readonly string[];
}

/**
A page of its own, without anything that an earlier one has kept.

@param url of the private listener
*/
export async function visit(browser: Browser, url: string, {width = 1280, height = 800, scheme = 'light'}: Look = {}): Promise<Visit> {
  const context = await browser.newContext({viewport: {width, height}, colorScheme: scheme, reducedMotion: 'reduce'});
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('request', request => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) complaints.push(`request to ${request.url()}`);
  });
  page.on('pageerror', error => complaints.push(`error: ${error.message}`));
  // What the network refuses is reported as an error, too; the page has to live with it.
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type()) && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${url}/`);
  return {page, complaints};
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds fault with on a page, as sentences. */
export async function faultsOf(page: Page): Promise<string[]> {
  // By the inspector, as the policy for the page's content forbids it to the page.
  await page.evaluate(await readFile(axe, 'utf8'));
  return page.evaluate(async () => {
    const {violations} = await (globalThis as unknown as {axe: {run(): Promise<{violations: Finding[]}>}}).axe.run();
    return violations.flatMap(({id, help, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${help}: ${html} ${failureSummary}`));
  });
}

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly {readonly html: string; readonly failureSummary?: string}[];
}
