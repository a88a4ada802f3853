import {spawnSync} from 'node:child_process';
import {createClient} from '@redis/client';
import type {ExecutionContext} from 'ava';
import {startProgram} from '../helpers/broker.ts';
import {faultsOf} from '../helpers/browser.ts';
import {browserTests} from '../helpers/browser-tests.ts';
import {env, goTo, openConsole, seen} from '../helpers/console.ts';
import {startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {freePort} from '../helpers/port.ts';

/* Debian: package redis-server. */

const withBrowser = browserTests();
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.log('skipped: messages in the console need redis-server');

withBrowser('a core without triggers for messages has no view of them, and says so at its address', async (t, browser) => {
  const core = await startCore(env, t);
  const page = await openConsole(t, browser, core);
  await seen(page.getByText('Sub-runtimes', {exact: true}));
  t.is(await page.getByRole('link', {name: 'Messages', exact: true}).count(), 0);
  await page.goto(`${core.adminUrl}/#/messages`);
  await seen(page.getByText('No trigger for messages is open.'));
  t.deepEqual(await faultsOf(page), []);
});

if (hasRedis) {
  for (const look of [
    {width: 360, scheme: 'light'},
    {width: 1600, scheme: 'dark'},
  ] as const) {
    withBrowser(`what became of messages, and whether the broker is there: ${look.scheme}, ${look.width} px`, async (t, browser) => {
      const redis = await startRedis(t);
      const trigger = {name: 'orders', type: 'redis', url: redis.url, stream: 'orders'};
      const core = await startCore({...env, CORE_TRIGGERS: JSON.stringify([trigger])}, t);
      const page = await openConsole(t, browser, core, look);
      await redis.send(3);
      await goTo(page, 'Messages');
      await seen(page.getByRole('heading', {name: 'orders redis connected'}));
      await seen(page.getByRole('region', {name: 'Messages of orders'}).getByRole('cell', {name: '3', exact: true}));
      t.deepEqual(await faultsOf(page), []);
      t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it is not wider than the screen');
      await redis.kill();
      await seen(page.getByRole('heading', {name: 'orders redis away'}));
      await seen(page.getByText('the broker is away'));
      t.deepEqual(await faultsOf(page), []);
      await page.getByRole('link', {name: 'Its invocations'}).click();
      await seen(page.getByRole('grid').getByText('orders').first());
    });
  }
}

async function startRedis(t: ExecutionContext) {
  const [folder, port] = [await folderWith(t, {}), await freePort()];
  const server = await startProgram(['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''], port);
  t.teardown(() => server.kill());
  const url = `redis://127.0.0.1:${port}`;
  return {
    url,
    kill: () => server.kill(),
    async send(count: number) {
      const client = createClient({url});
      await client.connect();
      for (let each = 0; each < count; each++) await client.xAdd('orders', '*', {body: `{"n":${each}}`});
      client.destroy();
    },
  };
}
