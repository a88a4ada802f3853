import {faultsOf} from '../helpers/browser.ts';
import {browserTests} from '../helpers/browser-tests.ts';
import {goTo, openConsole, rowsOf, seen} from '../helpers/console.ts';
import {startSeveral} from '../helpers/dev.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

// The one console of several functions, in a browser.

const withBrowser = browserTests();

const files = {
  'api.js': 'exports.handle = ({path}) => ({body: path});',
  'jobs.js': 'exports.handle = ({path}) => { if (path === "/end") process.kill(process.ppid, "SIGKILL"); return {body: path}; };',
};
const consoleIn = (output: string) => /\n {2}console {2}(http:\S+)\/\n/.exec(output)?.[1] ?? '';

withBrowser('one function after the other is chosen; one that has ended is said, and comes back', async (t, browser) => {
  const dev = await startSeveral(['api.js', 'jobs.js'], await folderWith(t, files), t);
  const page = await openConsole(t, browser, {adminUrl: consoleIn(dev.output())}, {width: 360});
  const functions = page.getByRole('navigation', {name: 'Functions'});
  await seen(functions.getByRole('link', {name: 'api'}));
  t.regex(page.url(), /\/functions\/api\/$/);
  t.is(await functions.locator('[aria-current=page]').innerText(), 'api');
  await goTo(page, 'Invocations');
  await functions.getByRole('link', {name: 'jobs'}).click();
  await seen(page.getByText('No invocation fits'));
  t.regex(page.url(), /\/functions\/jobs\/#\/invocations$/);
  t.deepEqual(await faultsOf(page), []);
  t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it is not wider than the screen');
  await ask(`${dev.url}/jobs/hello`);
  await ask(`${dev.url}/api/other`);
  await seen(rowsOf(page).filter({hasText: '/hello'}));
  t.is(await rowsOf(page).filter({hasText: '/other'}).count(), 0);

  await ask(`${dev.url}/jobs/end`);
  await seen(page.getByText('The core of jobs does not answer: its core was ended by SIGKILL.'));
  await seen(functions.getByRole('link', {name: 'jobs ended'}));
  t.deepEqual(await faultsOf(page), []);
  await page.reload();
  await seen(page.getByText('The core of jobs does not answer: its core was ended by SIGKILL. The console will be shown when it does.'));
  await ask(`${dev.url}/jobs/back`);
  await seen(rowsOf(page).filter({hasText: '/back'}));
});

withBrowser('with a token each function asks for it once', async (t, browser) => {
  const dev = await startSeveral(['api.js', 'jobs.js'], await folderWith(t, files), t, {CORE_ADMIN_TOKEN: 'the right one'});
  const page = await openConsole(t, browser, {adminUrl: consoleIn(dev.output())});
  const functions = page.getByRole('navigation', {name: 'Functions'});
  for (const name of ['api', 'jobs']) {
    await functions.getByRole('link', {name}).click();
    await page.waitForURL(`**/functions/${name}/#/now`);
    await page.getByLabel('Token').fill('the right one');
    await page.keyboard.press('Enter');
    await seen(page.getByText('Requests', {exact: true}));
    await goTo(page, 'Invocations');
    await seen(page.getByText('No invocation fits'));
    await goTo(page, 'Now');
  }
  await functions.getByRole('link', {name: 'api'}).click();
  await page.waitForURL('**/functions/api/#/now');
  await seen(page.getByText('Requests', {exact: true}));
  await page.getByRole('button', {name: 'Sign out'}).click();
  await seen(page.getByRole('button', {name: 'Sign in'}));
  t.deepEqual(await faultsOf(page), []);
});
