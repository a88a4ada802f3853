import {randomUUID} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import {openArchive} from '../../src/journals/nats/archive.ts';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {type NatsCluster, type NatsNode, natsServer, startNats} from '../helpers/nats.ts';
import {ask} from '../helpers/request.ts';

/* A core starts while the servers of its journal are away, or too few of them are there. */

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  const one = await startNats(1);
  const three = await startNats(3);
  test.after.always(() => Promise.all([one, three].map(cluster => cluster[Symbol.asyncDispose]())));

  const durable = async ({adminUrl}: RunningCore) => /^core_journal_durable (\d)$/m.exec((await ask(`${adminUrl}/metrics`)).text())?.[1];
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await systemClock.sleep(100);
  };

  /** @param lost are not there when the core starts */
  async function startsWithout(t: ExecutionContext, cluster: NatsCluster, lost: readonly NatsNode[]) {
    t.timeout(240_000);
    const place = `//${cluster.hosts}/${randomUUID()}`;
    const env = {
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/works.cjs'),
      CORE_JOURNAL: `nats:${place}`,
      CORE_JOURNAL_SYNCED: cluster.monitors,
      CORE_JOURNAL_MAX_SIZE: '64MiB',
      CORE_WORK: 'on',
      CORE_SCHEDULES: JSON.stringify([{name: 'often', cron: '* * * * * *', input: {name: 'tick'}}]),
    };
    await Promise.all(lost.map(node => node.kill()));
    const core = await startCore(env, t);
    const call = (headers: Record<string, string> = {}) => ask(core.url, {method: 'POST', body: '{"name": "a"}', headers});
    t.is((await call()).status, 200);
    for (const headers of [{prefer: 'respond-async'}, {'idempotency-key': '"k"'}]) {
      const refused = await call(headers);
      t.is(refused.status, 503);
      t.is(refused.field('core-error'), 'JOURNAL_FAILED');
      t.regex(refused.field('retry-after') ?? '', /^\d+$/);
    }
    t.is(await durable(core), '0');
    t.regex((await ask(`${core.adminUrl}/readyz`)).json().detail, /the journal is away: /);

    await Promise.all(lost.map(node => node.start()));
    await until(async () => (await durable(core)) === '1');
    t.is((await call({prefer: 'respond-async'})).status, 202);
    t.is((await call({'idempotency-key': '"k"'})).status, 200);
    await until(async () => {
      const {waiting, running} = (await ask(`${core.adminUrl}/api/work?limit=1`)).json();
      return waiting + running === 0;
    });
    using archive = await openArchive(place, systemClock);
    const types = async (prefix: string) => (await Array.fromAsync(archive.scan(prefix))).map(({fact}) => fact.type);
    await until(async () => (await types('schedule.')).includes('schedule.fired'));
    t.true((await types('runtime.')).includes('code.loaded'), 'what it had to say of itself waited');
    t.is(core.logs.filter(({msg}) => msg.startsWith('The journal is away')).length, 1);
    t.is(core.logs.filter(({msg}) => msg.startsWith('The journal’s servers are away')).length, 0, 'it was not open before');
    t.is(await core.stop(), 0);
  }

  test.serial('without its server it serves HTTP, and goes on without a restart when that comes', t => startsWithout(t, one, one.nodes));

  test.serial('so it does when the majority of three is away', t => startsWithout(t, three, three.nodes.slice(1)));
}
