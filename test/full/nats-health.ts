import {randomUUID} from 'node:crypto';
import {readFile, writeFile} from 'node:fs/promises';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {ask} from '../helpers/request.ts';

/* What the metrics of a core say of the servers of its journal, while these are lost one after the other. */

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const cluster = await startNats(3);
  test.after.always(() => cluster[Symbol.asyncDispose]());

  const scraped = async (core: RunningCore) => {
    const lines = (await ask(`${core.adminUrl}/metrics`)).text().split('\n');
    const of = (name: string) => {
      const line = lines.find(each => each.startsWith(`core_journal_${name} `) || each.startsWith(`core_journal_${name}{`));
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
    };
    return {
      connected: of('connected'),
      durable: of('durable'),
      copies: of('copies'),
      wanted: of('copies_wanted'),
      behind: of('copies_behind_messages'),
      swept: of('swept_age_seconds'),
      synced: of('synced'),
    };
  };

  async function start(t: ExecutionContext) {
    const env = {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
      CORE_JOURNAL: `nats://${cluster.hosts}/${randomUUID()}`,
      CORE_JOURNAL_SYNCED: cluster.monitors,
      CORE_JOURNAL_MAX_SIZE: '64MiB',
      CORE_WORK: 'on',
    };
    const core = await startCore(env, t);
    const until = async (fits: (now: Awaited<ReturnType<typeof scraped>>) => boolean) => {
      let now = await scraped(core);
      for (; !fits(now); now = await scraped(core)) await systemClock.sleep(250);
      return now;
    };
    const send = () => ask(core.url, {method: 'POST', body: '{}', headers: {prefer: 'respond-async'}});
    return {core, until, send};
  }

  test.serial('metrics say how many servers have the journal, that a majority is lost, that all are, and that they are back', async t => {
    t.timeout(240_000);
    const {until, send} = await start(t);
    const whole = await until(({copies}) => copies === 3);
    t.like(whole, {connected: 1, durable: 1, wanted: 3});
    t.true((whole.swept ?? 0) > 0);
    const [one, two, three] = cluster.nodes;
    await one?.kill();
    t.like(await until(({copies}) => copies === 2), {wanted: 3});
    await two?.kill();
    t.is((await until(({durable}) => durable === 0)).connected, 1, 'also while nobody sends anything');
    const asked = performance.now();
    t.is((await send()).status, 503);
    t.log(`refused after ${Math.round(performance.now() - asked)} ms`);
    await three?.kill();
    await until(({connected}) => connected === 0);
    await Promise.all(cluster.nodes.map(node => node.start()));
    await until(({connected, durable, copies}) => connected === 1 && durable === 1 && copies === 3);
    t.is((await send()).status, 202);
  });

  test.serial('a server that is restarted without sync is seen: receipts promise less, and metrics and /readyz say so', async t => {
    t.timeout(240_000);
    const {core, until, send} = await start(t);
    const [one] = cluster.nodes;
    if (!one) return t.fail();
    t.is((await until(({copies}) => copies === 3)).synced, 1);
    t.is((await send()).field('core-durability'), 'replicated');
    await one.kill();
    await until(({copies}) => copies === 2);
    const config = await readFile(one.config, 'utf8');
    await writeFile(one.config, config.replace('sync_interval: always', 'sync_interval: 2m'));
    await one.start();
    await until(({synced}) => synced === 0);
    t.is((await send()).field('core-durability'), 'process');
    t.regex((await ask(`${core.adminUrl}/readyz`)).json().detail, /not all servers of the journal are seen to sync each write: n0$/);
    const warned = core.logs.filter(({level, msg}) => level === 'warn' && /sync_interval: always/.test(msg));
    t.is(warned.length, 1);
    await one.kill();
    await until(({copies}) => copies === 2);
    await writeFile(one.config, config);
    await one.start();
    await until(({synced}) => synced === 1);
    t.is((await send()).field('core-durability'), 'replicated');
  });
}
