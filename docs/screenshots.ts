import {copyFile, mkdir, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Locator, Page} from 'playwright-core';
import {systemClock} from '../src/clock.ts';
import {openBrowser, visit} from '../test/helpers/browser.ts';
import {projectFile, type RunningCore, startCore} from '../test/helpers/core.ts';
import {ask} from '../test/helpers/request.ts';
import {writePicture} from './picture.ts';

/*
Takes the pictures of the console for the documents: a core, a minute of calls, a picture of each view. `npm run screenshots`
calls it.
*/

const folder = fileURLToPath(new URL('./console/', import.meta.url));
const mostBytes = 100_000;
const size = {width: 1280, height: 680};
/** The pictures are taken while calls come in. */
const [firstPictureS, callsS] = [62, 80];
const schedules = [
  {name: 'nightly-report', cron: '0 3 * * *', timezone: 'Europe/Paris'},
  {name: 'clean-up', cron: '*/15 * * * *', jitter: '30s'},
];

const pictures = new Map<string, Buffer>();
await using stack = new AsyncDisposableStack();
const place = await mkdtemp(path.join(tmpdir(), 'console-'));
stack.defer(() => rm(place, {recursive: true}));
const handler = path.join(place, 'todos', 'handler.cjs');
await mkdir(path.dirname(handler));
await copyFile(projectFile('test/fixtures/functions/core/console.cjs'), handler);
const core = await startCore({
  SCW_PUBLIC: 'true',
  SCW_HANDLER_PATH: handler,
  SCW_APPLICATION_NAME: 'todos',
  SCW_APPLICATION_VERSION: '1.4.0',
  CORE_WORKERS: '2',
  CORE_JOURNAL_HTTP: 'full',
  CORE_SCHEDULES: JSON.stringify(schedules),
  CORE_WORK: 'on',
  CORE_WORK_ATTEMPTS: '2',
  CORE_JOURNAL: `sqlite:${path.join(place, 'journal.db')}`,
});
stack.defer(async () => void (await core.stop()));
const browser = await openBrowser();
stack.defer(() => browser.close());
const {page} = await visit(browser, core.adminUrl, size);
const dark = await visit(browser, core.adminUrl, {...size, scheme: 'dark'});

await sendWork(core);
const calling = call(core);
await systemClock.sleep(firstPictureS * 1000);
for (const [view, name] of [
  [page, 'now'],
  [dark.page, 'now-dark'],
] as const) {
  await view.getByRole('button', {name: 'last minute'}).click();
  await take(view, name, view.getByRole('figure').filter({hasText: 'Memory'}).locator('canvas')); // the last plot
}
const rows = page.getByRole('grid').locator('.window-space').getByRole('row');
await show(page, 'Invocations');
await take(page, 'invocations', rows.first());
await page.getByLabel('Path').fill('/lists');
await rows.filter({hasNotText: '/lists'}).first().waitFor({state: 'detached'});
await rows.nth(1).click();
await page.setViewportSize({...size, height: 900});
await take(page, 'invocation', page.getByRole('heading', {name: 'Reply'}));
await page.setViewportSize(size);
await show(page, 'Work');
await take(page, 'work', page.getByRole('region', {name: 'List of work'}));
await page.getByRole('button', {name: 'Dead letters'}).click();
await page.getByRole('region', {name: 'List of dead letters'}).getByRole('link').first().click();
await page.setViewportSize({...size, height: 840});
await take(page, 'dead-letter', page.getByRole('heading', {name: 'Last reply'}));
await page.setViewportSize(size);
for (const [title, content] of [
  ['Schedules', page.getByRole('region', {name: 'History of nightly-report'})],
  ['Processes', page.getByRole('region', {name: 'Sub-runtimes of core process'})],
  ['Settings', page.getByRole('rowheader', {name: 'CORE_WORKERS', exact: true})],
] as const) {
  await show(page, title);
  await take(page, title.toLowerCase(), content);
}

await calling;
// Last, as it takes seconds in which no call would be made.
for (const [name, taken] of pictures) await writePicture(path.join(folder, `${name}.png`), taken, {mostBytes});

async function show(view: Page, title: string): Promise<void> {
  await view.getByRole('navigation').getByRole('link', {name: title}).click();
}

/** The picture of a view once it has loaded: its content is there, and nothing in it is still on its way. */
async function take(view: Page, name: string, content: Locator): Promise<void> {
  await content.waitFor();
  await view.waitForFunction(() => !/^(Loading |Nothing to draw yet)/m.test(document.body.innerText));
  pictures.set(name, await view.screenshot());
}

/** Work that waits for its time or its turn, and some that fails for good. */
async function sendWork({url}: RunningCore): Promise<void> {
  const send = (target: string, headers: Record<string, string>) =>
    ask(url + target, {
      method: 'POST',
      headers: {prefer: 'respond-async', 'content-type': 'application/json', ...headers},
      body: '{"invoice": 1042}',
    });
  for (const customer of [7, 12]) {
    await send('/invoices', {'core-delay': '20m', 'core-ordering-key': `customer-${customer}`});
    for (const path of ['/invoices/send', '/invoices/remind']) await send(path, {'core-ordering-key': `customer-${customer}`});
  }
  for (const text of ['the printer is out of paper', 'the bank does not answer', 'no such invoice'])
    await send(`/fail?text=${encodeURIComponent(text)}`, {});
  await send('/reports', {'core-delay': '2h'});
}

/** Calls that come in waves, some of which fail, and one after which a process has to be started again. */
async function call({url, adminUrl}: RunningCore): Promise<void> {
  const json = {method: 'POST', headers: {'content-type': 'application/json'}, body: '{"title": "Write it down", "done": false}'};
  for (let second = 0; second < callsS; second++) {
    const calls = 12 + Math.round(9 * Math.sin(second / 6));
    const endsAt = systemClock.monotonic() + 1000;
    for (let turn = 0; turn < calls; turn++) {
      void ask(`${url}/todos/${turn}?page=${second}`);
      if (turn % 9 === 4) void ask(`${url}/lists`, json);
      if (turn % 17 === 7) void ask(`${url}/slow/export`);
      await systemClock.sleep(Math.max(1, (endsAt - systemClock.monotonic()) / (calls - turn)));
    }
    if (second % 6 === 1) await ask(`${url}/fail?text=${encodeURIComponent('no such list: 42')}`);
    if (second % 25 === 0) await ask(`${adminUrl}/api/schedules/nightly-report/fire`, {method: 'POST'});
    if (second === 30) await ask(`${url}/die`);
  }
}
