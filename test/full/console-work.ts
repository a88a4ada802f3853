import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {Browser, Page} from 'playwright-core';
import {faultsOf, type Look} from '../helpers/browser.ts';
import {browserTests} from '../helpers/browser-tests.ts';
import {env, goTo, openConsole, seen} from '../helpers/console.ts';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

const withBrowser = browserTests();
const later = {'core-delay': '1h'};

withBrowser('a core that takes no work has no view of it, and says so at its address', async (t, browser) => {
  const core = await startCore(env, t);
  const page = await openConsole(t, browser, core);
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  t.is(await page.getByRole('link', {name: 'Work', exact: true}).count(), 0);
  await page.goto(`${core.adminUrl}/#/work`);
  await seen(page.getByText('CORE_WORK=on lets callers send it'));
  t.deepEqual(await faultsOf(page), []);
});

withBrowser('the code of the view is loaded when it is opened, and as soon as it can be', async (t, browser) => {
  const {page} = await opened(t, browser);
  const loaded: string[] = [];
  page.on('request', request => void (request.url().includes('/views/work/') && loaded.push(request.url())));
  await page.route('**/views/work/dead.js', route => route.abort());
  await page.reload();
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  t.deepEqual(loaded, []);
  await goTo(page, 'Work');
  await seen(page.getByText('Loading the work…'));
  await page.waitForRequest('**/views/work/dead.js');
  await page.unroute('**/views/work/dead.js');
  await seen(page.getByText('No work waits or runs.'));
});

withBrowser('what waits and runs is listed by status and key, in pages; one is opened and cancelled', async (t, browser) => {
  const {page, send} = await opened(t, browser);
  const running = await send({ms: 60_000});
  const [first, second] = [
    await send({}, {...later, 'core-ordering-key': 'customer-7'}),
    await send({}, {'core-ordering-key': 'customer-7'}),
  ];
  for (let item = 0; item < 105; item++) await send({}, later);
  await goTo(page, 'Work');
  const rows = page.getByRole('region', {name: 'List of work'}).locator('tbody tr');
  await seen(rows.first());
  t.is(await rows.count(), 100);
  await seen(page.getByRole('button', {name: 'Not ended (108)'}));
  await page.getByRole('link', {name: 'Later ones'}).click();
  await page.getByRole('link', {name: 'Later ones'}).waitFor({state: 'detached'});
  await seen(rows.nth(7));
  t.is(await rows.count(), 8);
  await page.getByRole('link', {name: 'The oldest'}).click();
  await seen(page.getByRole('link', {name: 'Later ones'}));
  await page.getByLabel('Status').selectOption('running');
  await rows.nth(1).waitFor({state: 'detached'});
  t.regex(await rows.innerText(), new RegExp(running.slice(-7)));
  await page.getByLabel('Status').selectOption('');
  await page.getByLabel('Ordering key').fill('customer-7');
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="List of work"] tbody tr').length === 2); // from one, over all, to two
  t.deepEqual(await rows.getByRole('link', {name: /^[0-9a-f]{7}$/}).allInnerTexts(), [first.slice(-7), second.slice(-7)]);
  t.regex(await rows.nth(1).innerText(), /behind/);
  t.regex(page.url(), /key=customer-7/);
  await rows.getByRole('link', {name: first.slice(-7)}).click();
  await seen(page.getByRole('heading', {name: `Work ${first}`}));
  await page.getByRole('button', {name: 'Cancel it'}).click();
  await seen(page.getByText('It has ended, or was dropped'));
  await page.getByRole('link', {name: 'Close'}).click();
  await rows.first().waitFor({state: 'detached'}); // the second one was behind the first, and has run
  await page.goto(addressOf(page, running));
  await page.getByRole('link', {name: 'Everything about this invocation'}).click();
  await page.getByRole('link', {name: 'where it stands'}).click();
  await page.getByRole('button', {name: 'Ask it to stop'}).click();
  await seen(page.getByText('It runs, and was asked to stop.').or(page.getByText('It has ended, or was dropped')));
  await page.getByRole('link', {name: 'Everything about this invocation'}).click();
  await seen(page.getByRole('heading', {name: `Invocation ${running}`}));
});

withBrowser('work is paused and resumed', async (t, browser) => {
  const {page, send} = await opened(t, browser);
  await goTo(page, 'Work');
  await page.getByRole('button', {name: 'Pause work'}).click();
  await seen(page.getByText('Work is paused'));
  await send({});
  await seen(page.getByText('1 due'));
  t.deepEqual(await faultsOf(page), []);
  await page.getByRole('button', {name: 'Resume work'}).click();
  await seen(page.getByText('No work waits or runs.'));
});

withBrowser('dead letters: some are chosen, one goes first, the others follow; one is read and dropped', async (t, browser) => {
  const {page, die, send} = await opened(t, browser);
  for (const name of ['a', 'b', 'c']) await die(name);
  await die('d', {fails: 0, status: 503});
  await send({}, later); // it is older than what is sent again, and shows that the lists are apart
  await goTo(page, 'Work');
  await page.getByRole('button', {name: 'Dead letters (4)'}).click();
  const rows = page.getByRole('region', {name: 'List of dead letters'}).locator('tbody tr');
  await seen(rows.nth(3));
  await page.getByLabel('Class of the last failure').selectOption('timeout');
  await seen(page.getByText('No dead letter fits.'));
  await page.getByLabel('Class of the last failure').selectOption('');
  await page.getByLabel('Status of the last reply').fill('5');
  await seen(page.getByText('expected the status of a reply, such as 503'));
  await page.getByLabel('Status of the last reply').fill('503');
  await rows.nth(1).waitFor({state: 'detached'});
  await rows.getByRole('link').first().click();
  const one = page.getByRole('article', {name: 'Item of work'});
  await seen(one.getByText('none was left'));
  await seen(one.getByRole('region', {name: 'Request'}).getByText('"name": "d"'));
  await seen(one.getByRole('region', {name: 'Last reply'}).getByText('Status 503'));
  await one.getByRole('button', {name: 'Drop it…'}).click();
  await one.getByRole('button', {name: 'Keep'}).click();
  await one.getByRole('button', {name: 'Drop it…'}).click();
  await one.getByRole('button', {name: 'Drop it', exact: true}).click();
  await seen(one.getByText('It has ended, or was dropped'));
  await one.getByRole('link', {name: 'Close'}).click();
  await page.getByLabel('Status of the last reply').fill('');
  await seen(rows.nth(2));
  await page.getByRole('button', {name: 'Preview sending again'}).click();
  await seen(page.getByText('3 dead letters would be sent again, 10 a second'));
  await page.getByRole('button', {name: 'Send 1, then the other 2'}).click();
  await seen(page.getByText('Done: 3 sent again.'));
  await seen(page.getByText('No work has failed for good.'));
  await seen(page.getByRole('button', {name: 'Not ended (1)'}));
  t.pass();
});

withBrowser('the others stay when the first one fails again; what is listed is dropped after a question', async (t, browser) => {
  const {page, die} = await opened(t, browser);
  for (const name of ['a', 'b']) await die(name, {fails: 9});
  await goTo(page, 'Work');
  await page.getByRole('button', {name: 'Dead letters (2)'}).click();
  await page.getByRole('button', {name: 'Preview sending again'}).click();
  await page.getByRole('button', {name: 'Send 1, then the other 1'}).click();
  await seen(page.getByText('Ended early: 1 sent again; invocation'));
  t.deepEqual(await faultsOf(page), []);
  await page.reload(); // the one that was sent is among them again
  await page.getByRole('button', {name: 'Drop what is listed…'}).click();
  await page.getByRole('button', {name: 'Drop 2 dead letters'}).click();
  await seen(page.getByText('No work has failed for good.'));
});

withBrowser('the keyboard is enough to open a dead letter, send it again and go back', async (t, browser) => {
  const {page, die} = await opened(t, browser);
  const id = await die('a', {fails: 9});
  await page.goto(`${page.url().split('#')[0]}#/work?list=dead`);
  await seen(page.getByRole('region', {name: 'List of dead letters'}));
  await tabTo(page, id.slice(-7));
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.textContent?.startsWith('Work 0'));
  await seen(page.getByRole('heading', {name: 'Last reply'}));
  await tabTo(page, 'Send it again');
  await page.keyboard.press('Enter');
  await seen(page.getByText('sent again', {exact: true}));
  await page.keyboard.press('Escape');
  await page.waitForFunction(end => document.activeElement?.textContent === end, id.slice(-7));
  t.pass();
});

withBrowser('markup that a caller wrote stays text', async (t, browser) => {
  const {page, die} = await opened(t, browser);
  const markup = '<img/src=x/onerror="globalThis.broken=1"><script>globalThis.broken=1</script>'; // a key has no spaces
  const id = await die(markup, {fails: 9}, {'core-ordering-key': markup, 'x-note': markup});
  await page.goto(addressOf(page, `${id}?list=dead&key=${encodeURIComponent(markup)}`));
  await seen(page.getByRole('heading', {name: 'Last reply'}));
  for (const fields of await page.getByText(/header field/).all()) await fields.click();
  await seen(page.getByRole('definition').filter({hasText: markup}));
  t.deepEqual(await page.evaluate(() => [document.images.length, Reflect.get(globalThis, 'broken')]), [1, undefined]);
});

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [360, 1600]) {
    withBrowser(`work and dead letters, ${scheme}, ${width} px: no fault for axe, no request elsewhere`, async (t, browser) => {
      const {page, send, die} = await opened(t, browser, {scheme, width});
      for (const name of ['a', 'b']) await die(name, {}, {'core-ordering-key': 'k'.repeat(200)});
      await send({ms: 60_000});
      const id = await send({}, {...later, 'core-ordering-key': 'k'.repeat(200)});
      const isSound = async (what: string) => {
        t.deepEqual(await faultsOf(page), [], what);
        t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} is not wider than the screen`);
      };
      await goTo(page, 'Work');
      await seen(page.getByRole('region', {name: 'List of work'}));
      await isSound('the list');
      await page.getByRole('link', {name: id.slice(-7)}).click();
      await seen(page.getByRole('heading', {name: 'Request'}));
      await isSound('one item');
      await page.keyboard.press('Escape');
      await page.getByRole('button', {name: /^Dead letters/}).click();
      await seen(page.getByRole('region', {name: 'List of dead letters'}));
      await page.getByRole('button', {name: 'Drop what is listed…'}).click();
      await page.getByRole('button', {name: 'Preview sending again'}).click();
      await seen(page.getByText('would be sent again'));
      await isSound('the dead letters');
      await page.getByRole('region', {name: 'List of dead letters'}).getByRole('link').first().click();
      await seen(page.getByRole('heading', {name: 'Last reply'}));
      await isSound('one dead letter');
    });
  }
}

/** Of an item in the view of work. */
const addressOf = (page: Page, item: string) => [`${page.url().split('#')[0]}#`, 'work', item].join('/');

/** A core that takes work, each item of which is tried once, and its console. */
async function opened(t: ExecutionContext, browser: Browser, look?: Look) {
  const core = await startCore(
    {
      ...env,
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
      CORE_WORK: 'on',
      CORE_WORK_ATTEMPTS: '1',
      CORE_WORK_CONCURRENCY: '2',
      CORE_JOURNAL: `sqlite:${join(await folderWith(t, {}), 'journal.db')}`,
    },
    t,
  );
  t.teardown(() => core.kill('SIGKILL')); // what runs would hold up its end
  /** @returns its id */
  const send = async (body: object, headers: Record<string, string> = {}) => {
    const answer = await ask(core.url, {method: 'POST', headers: {prefer: 'respond-async', ...headers}, body: JSON.stringify(body)});
    t.is(answer.status, 202);
    return answer.field('core-invocation-id');
  };
  /** It fails `fails` times. */
  const die = async (name: string, body: object = {}, headers: Record<string, string> = {}) => {
    const id = await send({name, fails: 1, ...body}, headers);
    while ((await ask(`${core.adminUrl}/api/dead/${id}`)).status !== 200);
    return id;
  };
  return {page: await openConsole(t, browser, core, look), send, die};
}

/** Goes from stop to stop until one has this text. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let tabs = 0; (await page.evaluate(() => document.activeElement?.textContent)) !== text; tabs++) {
    if (tabs > 40) throw new Error(`\`${text}\` is not reached by Tab`);
    await page.keyboard.press('Tab');
  }
}
