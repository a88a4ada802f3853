import type {ExecutionContext} from 'ava';
import type {Browser, Locator, Page} from 'playwright-core';
import {type Look, visit} from './browser.ts';
import {projectFile, type RunningCore} from './core.ts';
import {ask} from './request.ts';

/** A core that keeps all that the console can show. */
export const env = {
  SCW_PUBLIC: 'true',
  SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/console.cjs'),
  SCW_APPLICATION_NAME: 'todos',
  CORE_JOURNAL_HTTP: 'full',
};

/** A page of the console. The test fails when it does what no page of ours may do. */
export async function openConsole(t: ExecutionContext, browser: Browser, core: Pick<RunningCore, 'adminUrl'>, look?: Look): Promise<Page> {
  const {page, complaints} = await visit(browser, core.adminUrl, look);
  t.teardown(async () => {
    await page.context().close();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });
  return page;
}

export const seen = (place: Locator) => place.waitFor({state: 'visible', timeout: 20_000});
export const goTo = (page: Page, view: string) => page.getByRole('navigation', {name: 'Views'}).getByRole('link', {name: view}).click();
export const rowsOf = (page: Page) => page.getByRole('grid').locator('.window-space').getByRole('row');

/** A few calls, of which every tenth fails. */
export async function load({url}: RunningCore, calls = 30): Promise<void> {
  for (let call = 0; call < calls; call++) await ask(url + (call % 10 === 9 ? '/fail?text=no+such+list' : `/todos/${call}?page=2`));
}
