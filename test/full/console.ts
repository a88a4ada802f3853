import test, {type ExecutionContext} from 'ava';
import type {Browser, Locator, Page} from 'playwright-core';
import {faultsOf, hasBrowser, type Look, openBrowser, visit} from '../helpers/browser.ts';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

const withBrowser = hasBrowser ? test.serial : test.serial.skip;
const missing = hasBrowser ? '' : ': needs Chromium at /usr/bin/chromium or in CORE_TEST_CHROMIUM';

const views = ['Now', 'Invocations', 'Schedules', 'Processes', 'Settings'];
const schedules = [
  {name: 'nightly', cron: '0 3 * * *', timezone: 'Europe/Paris'},
  {name: 'weekly', cron: '30 6 * * 1'},
];
const env = {
  SCW_PUBLIC: 'true',
  SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/console.cjs'),
  SCW_APPLICATION_NAME: 'todos',
  CORE_JOURNAL_HTTP: 'full',
};

let browser: Browser;
test.before(async () => {
  if (hasBrowser) browser = await openBrowser();
});
test.after.always(() => browser?.close());

/** A page that must do nothing that no page of ours may do. */
async function open(t: ExecutionContext, core: Pick<RunningCore, 'adminUrl'>, look?: Look): Promise<Page> {
  const {page, complaints} = await visit(browser, core.adminUrl, look);
  t.teardown(async () => {
    await page.context().close();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });
  return page;
}

const seen = (place: Locator) => place.waitFor({state: 'visible', timeout: 20_000});
const goTo = (page: Page, view: string) => page.getByRole('navigation', {name: 'Views'}).getByRole('link', {name: view}).click();
const rows = (page: Page) => page.getByRole('grid').locator('.window-space').getByRole('row');

/** A few calls of each kind. */
async function load({url}: RunningCore, calls = 30): Promise<void> {
  for (let call = 0; call < calls; call++) {
    await ask(url + (call % 10 === 9 ? '/fail?text=no+such+list' : `/todos/${call}?page=2`));
  }
}

withBrowser(`the token is asked for, and a wrong one gets the core’s sentence${missing}`, async t => {
  const core = await startCore({...env, CORE_ADMIN_TOKEN: 'the right one'}, t);
  const page = await open(t, core);
  await seen(page.getByRole('button', {name: 'Sign in'}));
  t.deepEqual(await faultsOf(page), []);
  await page.getByLabel('Token').fill('a wrong one');
  await page.keyboard.press('Enter');
  await seen(page.getByRole('alert'));
  t.regex(await page.getByRole('alert').innerText(), /token/i);
  await page.getByLabel('Token').fill('the right one');
  await page.keyboard.press('Enter');
  await seen(page.getByText('Requests', {exact: true}));
  await goTo(page, 'Invocations');
  await seen(page.getByText('No invocation fits'));
  await page.getByRole('button', {name: 'Sign out'}).click();
  await seen(page.getByRole('button', {name: 'Sign in'}));
});

withBrowser(`a function that cannot start: the page says why${missing}`, async t => {
  const core = await startCore({...env, SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/broken.cjs')}, t);
  const page = await open(t, core);
  await seen(page.getByRole('alert'));
  t.regex(await page.getByRole('alert').innerText(), /does not take calls/);
  t.deepEqual(await faultsOf(page), []);
  await goTo(page, 'Processes');
  await seen(page.locator('.problem'));
  t.deepEqual(await faultsOf(page), []);
});

withBrowser(`an empty core: every view says what would be there${missing}`, async t => {
  const core = await startCore(env, t);
  const page = await open(t, core);
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  await goTo(page, 'Invocations');
  await seen(page.getByText('No invocation fits. New ones appear here as they happen.'));
  await goTo(page, 'Schedules');
  await seen(page.getByText('This function has no schedules.'));
  await goTo(page, 'Processes');
  await seen(page.getByText('No process of the function has ended since the core started.'));
  t.pass();
});

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [360, 1600]) {
    withBrowser(`each view of a core under load, ${scheme}, ${width} px: no fault for axe, no request elsewhere${missing}`, async t => {
      const core = await startCore({...env, CORE_SCHEDULES: JSON.stringify(schedules)}, t);
      await load(core);
      await ask(`${core.adminUrl}/api/schedules/nightly/fire`, {method: 'POST'});
      const page = await open(t, core, {scheme, width});
      for (const view of views) {
        await goTo(page, view);
        await seen(page.getByRole('heading', {level: 1, name: view}));
        await page.waitForFunction(() => !/^Loading/m.test(document.body.innerText));
        t.deepEqual(await faultsOf(page), [], view);
        t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} is not wider than the screen`);
      }
      await goTo(page, 'Invocations');
      await rows(page).first().click();
      await seen(page.getByRole('heading', {name: /^Invocation 0/}));
      await seen(page.getByRole('heading', {name: 'Reply'}));
      t.deepEqual(await faultsOf(page), [], 'one invocation');
      t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    });
  }
}

withBrowser(`what happens while the page is open appears, and filters leave out the rest${missing}`, async t => {
  const core = await startCore(env, t);
  const page = await open(t, core);
  await goTo(page, 'Invocations');
  await seen(page.getByText('No invocation fits'));
  await load(core, 20);
  await seen(page.getByText('20 invocations', {exact: true}));
  await seen(rows(page).filter({hasText: '/todos/18'}));
  await page.getByLabel('Status').selectOption('failed');
  await seen(page.getByText('2 invocations', {exact: true}));
  t.regex(await rows(page).first().innerText(), /HANDLER_FAILED/);
  await page.getByLabel('Status').selectOption('');
  await page.getByLabel('Path').fill('/todos/7');
  await rows(page).first().click(); // before the filter counts, a quarter of a second later
  await seen(page.getByText('1 invocation', {exact: true}));
  await seen(page.getByRole('heading', {name: /^Invocation 0/}));
  t.regex(page.url(), /path=%2Ftodos%2F7/);
  await page.reload();
  await seen(page.getByText('1 invocation', {exact: true}));
});

withBrowser(`thousands of rows: only those on the screen are in the page, and who reads keeps the place${missing}`, async t => {
  const core = await startCore(env, t);
  for (let batch = 0; batch < 20; batch++)
    await Promise.all(Array.from({length: 30}, (_, call) => ask(`${core.url}/todos/${batch}-${call}`)));
  const page = await open(t, core);
  await goTo(page, 'Invocations');
  const grid = page.getByRole('grid');
  await seen(rows(page).first());
  for (let pages = 0; pages < 3; pages++) {
    await grid.evaluate(element => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(300);
  }
  await seen(page.getByText('600 invocations', {exact: true}));
  t.true((await rows(page).count()) < 100);
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

withBrowser(`the core is killed and comes back: the page keeps what it had, says so, and goes on${missing}`, async t => {
  const core = await startCore(env, t);
  await load(core, 5);
  const page = await open(t, core);
  await goTo(page, 'Invocations');
  await seen(page.getByText('5 invocations', {exact: true}));
  core.kill('SIGKILL');
  await core.exited;
  await seen(page.getByText('The core does not answer since'));
  await seen(page.getByText('5 invocations', {exact: true}));
  t.deepEqual(await faultsOf(page), []);
  const again = await startCore({...env, CORE_ADMIN_PORT: new URL(core.adminUrl).port}, t);
  await page.getByText('The core does not answer since').waitFor({state: 'detached'});
  await ask(`${again.url}/todos/after`);
  await seen(rows(page).filter({hasText: '/todos/after'}));
});

withBrowser(`the keyboard is enough to find an invocation, read it and go back${missing}`, async t => {
  const core = await startCore(env, t);
  await load(core, 12);
  const page = await open(t, core);
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  await page.keyboard.press('Tab');
  t.is(await focused(page), 'Skip to the content');
  for (let tabs = 0; (await focused(page)) !== 'Invocations'; tabs++) {
    if (tabs > 5) return void t.fail('the views are not reached by Tab');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await seen(rows(page).first());
  for (let tabs = 0; (await page.evaluate(() => document.activeElement?.getAttribute('role'))) !== 'grid'; tabs++) {
    if (tabs > 20) return void t.fail('the list is not reached by Tab');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const active = await page.getByRole('grid').getAttribute('aria-activedescendant');
  t.is(active, await rows(page).nth(2).getAttribute('id'));
  await page.keyboard.press('End');
  t.is(await page.getByRole('grid').getAttribute('aria-activedescendant'), await rows(page).last().getAttribute('id'));
  await page.keyboard.press('Enter');
  await seen(page.getByRole('heading', {name: /^Invocation 0/}));
  await page.waitForFunction(() => document.activeElement?.textContent?.startsWith('Invocation 0'));
  await page.keyboard.press('Escape');
  await page.getByRole('heading', {name: /^Invocation 0/}).waitFor({state: 'detached'});
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'grid');
});

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '');

withBrowser(`markup that callers and the function write stays text${missing}`, async t => {
  const core = await startCore(env, t);
  const markup = '<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>';
  const escaped = encodeURIComponent(markup);
  await ask(`${core.url}/echo/${escaped}?text=${escaped}`, {
    method: 'POST',
    body: markup,
    headers: {'x-note': markup, 'content-type': 'text/html'},
  });
  await ask(`${core.url}/fail/${markup.replaceAll(' ', '%20')}?text=${escaped}`);
  const page = await open(t, core);
  await goTo(page, 'Invocations');
  await seen(page.getByText('2 invocations', {exact: true}));
  for (const at of [0, 1]) {
    await rows(page).nth(at).click();
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

withBrowser(`an address of a trace that is no address of the web is no link${missing}`, async t => {
  const core = await startCore(env, t);
  await load(core, 1);
  const page = await open(t, core);
  let traceUrl = 'javascript:globalThis.broken=1';
  await page.route('**/api/invocations/0*', async route => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({json: {...answer, traceId: '0af7651916cd43dd8448eb211c80319c', traceUrl}});
  });
  await goTo(page, 'Invocations');
  await rows(page).first().click();
  await seen(page.getByText('0af7651916cd43dd8448eb211c80319c'));
  t.is(await page.getByRole('link', {name: '0af7651916cd43dd8448eb211c80319c'}).count(), 0);
  traceUrl = 'https://traces.test/0af7';
  await page.reload();
  await seen(page.getByRole('link', {name: '0af7651916cd43dd8448eb211c80319c'}));
});

withBrowser(`a refusal is shown in the core’s own words, above what was there before${missing}`, async t => {
  const core = await startCore(env, t);
  const page = await open(t, core);
  await goTo(page, 'Processes');
  await seen(page.getByText('Core process'));
  await page.route('**/api/processes', route =>
    route.fulfill({status: 503, json: {error: {code: 'X', message: 'the core is <b>busy</b>'}}}),
  );
  await seen(page.getByText('the core is <b>busy</b>'));
  t.true(await page.getByText('Core process').isVisible());
  t.deepEqual(await faultsOf(page), []);
});

withBrowser(`a session that ran out leads back to the sign-in${missing}`, async t => {
  const core = await startCore({...env, CORE_ADMIN_TOKEN: 'the right one'}, t);
  const page = await open(t, core);
  await page.getByLabel('Token').fill('the right one');
  await page.keyboard.press('Enter');
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  await page.context().clearCookies();
  await seen(page.getByRole('button', {name: 'Sign in'}));
  t.pass();
});
