import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Page} from 'playwright-core';
import {faultsOf} from '../helpers/browser.ts';
import {browserTests} from '../helpers/browser-tests.ts';
import {env, goTo, load, openConsole, rowsOf, seen} from '../helpers/console.ts';
import {startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

const withBrowser = browserTests();

withBrowser('what happens while the page is open appears, and filters leave out the rest', async (t, browser) => {
  const core = await startCore(env, t);
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Invocations');
  await seen(page.getByText('No invocation fits'));
  await load(core, 20);
  await seen(page.getByText('20 invocations', {exact: true}));
  await seen(rowsOf(page).filter({hasText: '/todos/18'}));
  await page.getByLabel('Status').selectOption('failed');
  await seen(page.getByText('2 invocations', {exact: true}));
  t.regex(await rowsOf(page).first().innerText(), /HANDLER_FAILED/);
  await page.getByLabel('Status').selectOption('');
  await page.getByLabel('Path').fill('/todos/7');
  await rowsOf(page).first().click(); // before the filter counts, a quarter of a second later
  await seen(page.getByText('1 invocation', {exact: true}));
  await seen(page.getByRole('heading', {name: /^Invocation 0/}));
  t.regex(page.url(), /path=%2Ftodos%2F7/);
  await page.reload();
  await seen(page.getByText('1 invocation', {exact: true}));
});

withBrowser('thousands of rows: only those on the screen are in the page, and who reads keeps the place', async (t, browser) => {
  const core = await startCore(env, t);
  for (let batch = 0; batch < 20; batch++)
    await Promise.all(Array.from({length: 30}, (_, call) => ask(`${core.url}/todos/${batch}-${call}`)));
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Invocations');
  const grid = page.getByRole('grid');
  await seen(rowsOf(page).first());
  for (let pages = 0; pages < 3; pages++) {
    await grid.evaluate(element => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(300);
  }
  await seen(page.getByText('600 invocations', {exact: true}));
  t.true((await rowsOf(page).count()) < 100);
  await grid.evaluate(element => element.scrollTo(0, 28 * 300));
  await page.waitForTimeout(100);
  const topRow = () =>
    grid.evaluate(element => {
      const top = element.getBoundingClientRect().top;
      return [...element.querySelectorAll('.window-space [role=row]')].find(row => row.getBoundingClientRect().top >= top)?.id;
    });
  const before = await topRow();
  await load(core, 10);
  await seen(page.getByText('610 invocations', {exact: true}));
  t.is(await topRow(), before);
});

withBrowser('the keyboard is enough to find an invocation, read it and go back', async (t, browser) => {
  const core = await startCore(env, t);
  await load(core, 12);
  const page = await openConsole(t, browser, core);
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  await page.keyboard.press('Tab');
  t.is(await focused(page), 'Skip to the content');
  for (let tabs = 0; (await focused(page)) !== 'Invocations'; tabs++) {
    if (tabs > 5) return void t.fail('the views are not reached by Tab');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await seen(rowsOf(page).first());
  for (let tabs = 0; (await page.evaluate(() => document.activeElement?.getAttribute('role'))) !== 'grid'; tabs++) {
    if (tabs > 20) return void t.fail('the list is not reached by Tab');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const active = await page.getByRole('grid').getAttribute('aria-activedescendant');
  t.is(active, await rowsOf(page).nth(2).getAttribute('id'));
  await page.keyboard.press('End');
  t.is(await page.getByRole('grid').getAttribute('aria-activedescendant'), await rowsOf(page).last().getAttribute('id'));
  await page.keyboard.press('Enter');
  await seen(page.getByRole('heading', {name: /^Invocation 0/}));
  await page.waitForFunction(() => document.activeElement?.textContent?.startsWith('Invocation 0'));
  await page.keyboard.press('Escape');
  await page.getByRole('heading', {name: /^Invocation 0/}).waitFor({state: 'detached'});
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'grid');
});

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '');

withBrowser('markup that callers and the function write stays text', async (t, browser) => {
  const core = await startCore(env, t);
  const markup = '<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>';
  const escaped = encodeURIComponent(markup);
  await ask(`${core.url}/echo/${escaped}?text=${escaped}`, {
    method: 'POST',
    body: markup,
    headers: {'x-note': markup, 'content-type': 'text/html'},
  });
  await ask(`${core.url}/fail/${markup.replaceAll(' ', '%20')}?text=${escaped}`);
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Invocations');
  await seen(page.getByText('2 invocations', {exact: true}));
  for (const at of [0, 1]) {
    await rowsOf(page).nth(at).click();
    await seen(page.getByRole('heading', {name: 'Request'}));
    for (const fields of await page.getByText(/header field/).all()) await fields.click();
    for (const form of await page.getByRole('button', {name: 'Text'}).all()) await form.click();
    await page.waitForTimeout(200);
  }
  t.true((await page.locator('pre.body').allInnerTexts()).some(text => text.includes('<script>')));
  t.deepEqual(
    await page.evaluate(() => [document.images.length, Reflect.get(globalThis, 'broken')]),
    [1, undefined],
    'only the icon is an image',
  );
});

withBrowser('a request is copied as a command, which is shown where the clipboard is closed', async (t, browser) => {
  const core = await startCore(env, t);
  await load(core, 1);
  const page = await openConsole(t, browser, core);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await goTo(page, 'Invocations');
  await rowsOf(page).first().click();
  await page.getByRole('button', {name: 'Copy as curl'}).click();
  await seen(page.getByText('Copied'));
  const command = await page.evaluate(() => navigator.clipboard.readText());
  t.true(command.startsWith(`curl '${core.url}/todos/0?page=2'`), command);
  await page.evaluate(() => Reflect.deleteProperty(Navigator.prototype, 'clipboard'));
  await page.getByRole('button', {name: 'Copy as curl'}).click();
  t.is(await page.locator('pre.shown').innerText(), command);
  t.deepEqual(await faultsOf(page), []);
});

withBrowser('an invocation that nothing is known of gets the core’s sentence', async (t, browser) => {
  const core = await startCore({...env, CORE_JOURNAL_HTTP: 'facts'}, t);
  await load(core, 1);
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Invocations');
  await seen(page.getByText('paths are not kept'));
  await page.goto(`${core.adminUrl}/#/invocations/nothing`);
  await seen(page.getByRole('alert'));
  t.regex(await page.getByRole('alert').innerText(), /nothing is known/);
  t.is(await page.getByText(/^Loading/).count(), 0);
});

withBrowser('an address of a trace that is no address of the web is no link', async (t, browser) => {
  const core = await startCore(env, t);
  await load(core, 1);
  const page = await openConsole(t, browser, core);
  let traceUrl = 'javascript:globalThis.broken=1';
  await page.route('**/api/invocations/0*', async route => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({json: {...answer, traceId: '0af7651916cd43dd8448eb211c80319c', traceUrl}});
  });
  await goTo(page, 'Invocations');
  await rowsOf(page).first().click();
  await seen(page.getByText('0af7651916cd43dd8448eb211c80319c'));
  t.is(await page.getByRole('link', {name: '0af7651916cd43dd8448eb211c80319c'}).count(), 0);
  traceUrl = 'https://traces.test/0af7';
  await page.reload();
  await seen(page.getByRole('link', {name: '0af7651916cd43dd8448eb211c80319c'}));
});

withBrowser('a replay asks before it calls the function, and shows what the newer code changed', async (t, browser) => {
  const folder = await mkdtemp(join(tmpdir(), 'console-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const handler = join(folder, 'handler.cjs');
  const code = await readFile(env.SCW_HANDLER_PATH, 'utf8');
  await writeFile(handler, code);
  const core = await startCore({...env, SCW_HANDLER_PATH: handler}, t);
  await load(core, 1);
  await writeFile(handler, code.replace('Write it down', 'Do it'));
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Invocations');
  await rowsOf(page).first().click();
  await page.getByRole('button', {name: 'Replay with the current code'}).click();
  await seen(page.getByText('This calls the function again'));
  await page.getByRole('button', {name: 'Run it'}).click();
  await seen(page.getByText('The body differs.'));
  t.regex(await page.locator('.diff del').innerText(), /Write it down/);
  t.regex(await page.locator('.diff ins').innerText(), /Do it/);
  t.deepEqual(await faultsOf(page), []);
});
