import {faultsOf} from '../helpers/browser.ts';
import {browserTests} from '../helpers/browser-tests.ts';
import {env, goTo, load, openConsole, rowsOf, seen} from '../helpers/console.ts';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';

const withBrowser = browserTests();

const views = ['Now', 'Invocations', 'Schedules', 'Processes', 'Settings'];
const schedules = [
  {name: 'nightly', cron: '0 3 * * *', timezone: 'Europe/Paris'},
  {name: 'weekly', cron: '30 6 * * 1'},
];

withBrowser('the token is asked for, and a wrong one gets the core’s sentence', async (t, browser) => {
  const core = await startCore({...env, CORE_ADMIN_TOKEN: 'the right one'}, t);
  const page = await openConsole(t, browser, core);
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

withBrowser('a function that cannot start: the page says why', async (t, browser) => {
  const core = await startCore({...env, SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/broken.cjs')}, t);
  const page = await openConsole(t, browser, core);
  await seen(page.getByRole('alert'));
  t.regex(await page.getByRole('alert').innerText(), /does not take calls/);
  t.deepEqual(await faultsOf(page), []);
  await goTo(page, 'Processes');
  await seen(page.locator('.problem'));
  t.deepEqual(await faultsOf(page), []);
});

withBrowser('an empty core: every view says what would be there', async (t, browser) => {
  const core = await startCore(env, t);
  const page = await openConsole(t, browser, core);
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
    withBrowser(`each view of a core under load, ${scheme}, ${width} px: no fault for axe, no request elsewhere`, async (t, browser) => {
      const core = await startCore({...env, CORE_SCHEDULES: JSON.stringify(schedules)}, t);
      await load(core);
      await ask(`${core.adminUrl}/api/schedules/nightly/fire`, {method: 'POST'});
      const page = await openConsole(t, browser, core, {scheme, width});
      for (const view of views) {
        await goTo(page, view);
        await seen(page.getByRole('heading', {level: 1, name: view}));
        await page.waitForFunction(() => !/^Loading/m.test(document.body.innerText));
        t.deepEqual(await faultsOf(page), [], view);
        t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} is not wider than the screen`);
      }
      await goTo(page, 'Invocations');
      await rowsOf(page).first().click();
      await seen(page.getByRole('heading', {name: /^Invocation 0/}));
      await seen(page.getByRole('heading', {name: 'Reply'}));
      t.deepEqual(await faultsOf(page), [], 'one invocation');
      t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    });
  }
}

withBrowser('the core is killed and comes back: the page keeps what it had, says so, and goes on', async (t, browser) => {
  const core = await startCore(env, t);
  await load(core, 5);
  const page = await openConsole(t, browser, core);
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
  await seen(rowsOf(page).filter({hasText: '/todos/after'}));
});

withBrowser('a refusal is shown in the core’s own words, above what was there before', async (t, browser) => {
  const core = await startCore(env, t);
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Processes');
  await seen(page.getByText('Core process'));
  await page.route('**/api/processes', route =>
    route.fulfill({status: 503, json: {error: {code: 'X', message: 'the core is <b>busy</b>'}}}),
  );
  await seen(page.getByText('the core is <b>busy</b>'));
  t.true(await page.getByText('Core process').isVisible());
  t.deepEqual(await faultsOf(page), []);
});

withBrowser('a session that ran out leads back to the sign-in', async (t, browser) => {
  const core = await startCore({...env, CORE_ADMIN_TOKEN: 'the right one'}, t);
  const page = await openConsole(t, browser, core);
  await page.getByLabel('Token').fill('the right one');
  await page.keyboard.press('Enter');
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  await page.context().clearCookies();
  await seen(page.getByRole('button', {name: 'Sign in'}));
  t.pass();
});

withBrowser('buttons fire and pause a schedule, and reload the function', async (t, browser) => {
  const core = await startCore({...env, CORE_SCHEDULES: JSON.stringify(schedules)}, t);
  const page = await openConsole(t, browser, core);
  await goTo(page, 'Schedules');
  const nightly = page.getByRole('region', {name: 'Schedule nightly', exact: true});
  await nightly.getByRole('button', {name: 'Fire now'}).click();
  await seen(nightly.getByText('Fired: status 200'));
  await seen(nightly.getByRole('cell', {name: 'by hand'}));
  await nightly.getByRole('button', {name: 'Pause'}).click();
  await seen(nightly.getByText('paused since'));
  t.deepEqual(await faultsOf(page), []);
  await nightly.getByRole('button', {name: 'Resume'}).click();
  await seen(nightly.getByRole('button', {name: 'Pause'}));
  await goTo(page, 'Processes');
  await page.getByRole('button', {name: 'Reload the function'}).click();
  await seen(page.getByText('Reloaded: the new code is serving.'));
  await seen(page.locator('.end').filter({hasText: 'reloaded'}));
});

withBrowser('plots come as soon as what draws them can be loaded', async (t, browser) => {
  const core = await startCore(env, t);
  const page = await openConsole(t, browser, core);
  await page.route('**/lib/uplot.js', route => route.abort());
  await page.reload();
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  await page.unroute('**/lib/uplot.js');
  await seen(page.locator('canvas').first());
  t.pass();
});
