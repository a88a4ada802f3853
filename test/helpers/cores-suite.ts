import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Recorded} from '../../src/journal.ts';
import type {JournalArchive} from '../../src/journals/engine.ts';
import {projectFile, type RunningCore, runCli, spawnCli, startCore} from './core.ts';
import {writtenLines} from './lines.ts';
import {isAlive} from './process.ts';
import {linesOf, orders} from './replay.ts';
import {ask} from './request.ts';

/*
What several cores must do that share a journal, whichever engine keeps it.
*/

const works = projectFile('test/fixtures/functions/core/works.cjs');

export interface SharedEngine {
  readonly name: string;
  /** What CORE_JOURNAL is, and what belongs to it: another journal each time. */
  settings(): Record<'CORE_JOURNAL', string> & Record<string, string>;
  read(location: string): Promise<JournalArchive>;
  readonly durability: string;
}

export function coresSuite({name, settings, read, durability}: SharedEngine): void {
  const titled = (title: string) => `${name}: ${title}`;

  async function cores(t: ExecutionContext, count: number, some: Record<string, string> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'cores-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: works, ...settings(), ...some};
    const started = await Promise.all(Array.from({length: count}, () => startCore(env, t)));
    const log = join(folder, 'runs');
    return {
      env,
      cores: started as [RunningCore, RunningCore, ...RunningCore[]],
      log,
      join: () => startCore(env, t),
      ran: () => (existsSync(log) ? writtenLines(log) : []),
      async facts(prefix: string): Promise<Recorded[]> {
        using archive = await read(env.CORE_JOURNAL);
        return await Array.fromAsync(archive.scan(prefix));
      },
    };
  }

  test(titled('each occurrence of a schedule is fired by one core, and what a killed one had is delivered again'), async t => {
    t.timeout(240_000);
    const schedule = {name: 'tick', cron: '* * * * * *', input: {ms: 300}};
    const {cores: started, facts, env} = await cores(t, 3, {CORE_SCHEDULES: JSON.stringify([schedule])});
    await pause(3000);
    started[1].kill('SIGKILL');
    await pause(25_000);
    const stoppedAt = systemClock.now();
    for (const core of started) if (isAlive(core.pid)) t.is(await core.stop(), 0);
    const claims = (await facts('schedule.tick.')).filter(({fact}) => fact.type === 'schedule.fired');
    const first = claims.flatMap(({fact}) => (fact.type === 'schedule.fired' && fact.data.attempt === 1 ? [fact.data] : []));
    t.is(new Set(first.map(({occurrence}) => occurrence)).size, first.length, 'fired once');
    t.true(first.length >= 15, String(first.length));
    t.true(new Set(first.map(({core}) => core)).size >= 2, 'by several');
    const settled = (await facts('invocation.')).filter(({fact}) => fact.type === 'invocation.settled');
    t.is(new Set(settled.map(({stream}) => stream)).size, settled.length, 'settled once');
    // What was claimed while the cores stopped is left to the next start.
    const due = first.filter(({occurrence}) => Date.parse(occurrence) < stoppedAt - 1000);
    const open = due.filter(({invocationId}) => !settled.some(({stream}) => stream === `invocation.${invocationId}`));
    t.deepEqual(open, [], 'what the killed one had was delivered again');
    const nameless = (await facts('')).filter(({fact}) => fact.data.core === undefined);
    t.deepEqual(
      nameless.map(({stream, fact}) => `${stream} ${fact.type}`),
      [],
      'each fact names its core',
    );
    const {stdout} = await runCli(['invocations', '--json', '--limit', '3'], env);
    t.is(stdout.trim().split('\n').length, 3);
  });

  test(titled('work that one core accepts is run by any, and outlives the core that runs it'), async t => {
    t.timeout(180_000);
    const {cores: started, log, ran, facts} = await cores(t, 2, {CORE_WORK: 'on', CORE_WORK_CONCURRENCY: '4'});
    const [one, two] = started;
    const sent = await Promise.all(Array.from({length: 60}, (_, number) => sendWork(one, {name: `job-${number}`, log, ms: 400})));
    t.is(sent[0]?.field('core-durability'), durability);
    await pause(1500);
    two.kill('SIGKILL');
    await untilNothingWaits(one);
    const settled = (await facts('invocation.')).filter(({fact}) => fact.type === 'invocation.settled');
    t.is(settled.length, 60);
    t.is(new Set(settled.map(({stream}) => stream)).size, 60);
    const who = settled.map(({fact}) => (fact.type === 'invocation.settled' ? fact.data.core : ''));
    t.is(new Set(who).size, 2, 'both ran some');
    const lost = (await facts('invocation.')).filter(({fact}) => fact.type === 'attempt.failed' && fact.data.class === 'lost');
    t.true(lost.length > 0 && lost.length <= 4, String(lost.length));
    t.true(ran().length >= 60 && ran().length <= 60 + lost.length, 'what was lost may not have begun');
  });

  test(titled('a key is one run, whichever cores are asked, and who waits at another core gets its reply'), async t => {
    const {cores: started, log, ran} = await cores(t, 2, {CORE_WORK: 'on'});
    const call = (core: RunningCore) =>
      ask(core.url, {method: 'POST', body: JSON.stringify({name: 'once', log, ms: 1500}), headers: {'idempotency-key': '"k"'}});
    const first = call(started[0]);
    await pause(700);
    const [one, two] = await Promise.all([first, call(started[1])]);
    t.is(one.status, 200);
    t.is(two.status, 200);
    t.is(two.body.toString(), one.body.toString());
    t.is(two.field('idempotency-replayed'), 'true');
    t.is(ran().length, 1);
    const asked = await sendWork(started[1], {name: 'later', log});
    await untilNothingWaits(started[0]);
    const {status, body} = await ask(`${started[0].url}${asked.field('location')}`);
    t.is(status, 200);
    t.is(JSON.parse(body.toString()).status, 'responded');
  });

  test(titled('work that runs is explained with the core that runs it, and cancelled at any core'), async t => {
    const {cores: started, join, log, ran, facts, env} = await cores(t, 1, {CORE_WORK: 'on'});
    const [one] = started;
    const sent = await sendWork(one, {name: 'long', log, ms: 50_000});
    while (ran().length === 0) await pause(50);
    const two = await join();
    const id: string = sent.json().id;
    const told = await facts(`invocation.${id}`);
    const begun = told.find(({fact}) => fact.type === 'attempt.started');
    const {boot} = JSON.parse((await runCli(['explain', id, '--json'], env)).stdout);
    t.is(boot.id, begun?.fact.data.core);
    t.is((await ask(`${two.url}${sent.field('location')}`, {method: 'DELETE'})).status, 202);
    await untilNothingWaits(two);
    t.is((await ask(`${two.url}${sent.field('location')}`)).json().status, 'cancelled');
  });

  test(titled('a core that stops hands its work on at once: what it runs too long, and what waits'), async t => {
    t.timeout(120_000);
    const some = {CORE_WORK: 'on', CORE_WORK_CONCURRENCY: '1', CORE_GRACE: '2s'};
    const {cores: started, join, log, ran, facts} = await cores(t, 1, some);
    const [one] = started;
    const running = await sendWork(one, {name: 'long', log, ms: 60_000});
    while (ran().length === 0) await pause(50);
    await sendWork(one, {name: 'behind it', log});
    await join();
    while (ran().length < 2) await pause(50);
    const began = performance.now();
    await one.stop();
    t.like(one.logs.at(-1), {msg: 'Stopped', completed: 0, handedBack: 1, lost: 0});
    while (ran().length < 3) await pause(20);
    t.log(`${Math.round(performance.now() - began)} ms from the signal to the begin elsewhere`);
    const told = (await facts(`invocation.${running.json().id}`)).map(({fact}) => fact);
    t.deepEqual(
      told.map(({type}) => type),
      ['invocation.accepted', 'attempt.started', 'attempt.failed', 'retry.scheduled', 'attempt.started'],
    );
    t.true(
      told.every(({data}) => !('class' in data) || data.class !== 'lost'),
      'nobody waited for the end of a lease',
    );
  });

  test(titled('a pause of work counts for every core, also for one that starts later, until any of them resumes it'), async t => {
    t.timeout(120_000);
    const {cores: started, join, log, ran, facts, env} = await cores(t, 2, {CORE_WORK: 'on'});
    const [one, two] = started;
    const isPaused = async (core: RunningCore) => (await ask(`${core.adminUrl}/api/work`)).json().paused;
    t.deepEqual((await ask(`${one.adminUrl}/api/work/pause`, {method: 'POST'})).json(), {paused: true});
    while (!(await isPaused(two))) await pause(50);
    const three = await join();
    while (!(await isPaused(three))) await pause(50);
    await Promise.all([one, two, three].map((core, number) => sendWork(core, {name: `paused-${number}`, log})));
    for (const core of [one, two, three]) t.like((await ask(`${core.adminUrl}/api/work`)).json(), {paused: true, waiting: 3, due: 3});
    t.deepEqual(ran(), []);
    const {stdout} = await runCli(['work', 'resume'], {...env, CORE_ADMIN_PORT: new URL(three.adminUrl).port});
    t.regex(stdout, /Work goes on/);
    await untilNothingWaits(one);
    t.is(ran().length, 3);
    t.deepEqual(
      (await facts('work.pause')).map(({fact}) => fact.type),
      ['work.paused', 'work.resumed'],
    );
  });

  test(titled('facts as they come, replay and the console of each core show what all of them did'), async t => {
    t.timeout(120_000);
    const {cores: started, env} = await cores(t, 2, {SCW_HANDLER_PATH: orders, CORE_JOURNAL_HTTP: 'full'});
    const call = async (core: RunningCore) => (await ask(`${core.url}/orders?count=2`)).field('core-invocation-id');
    const ends = (id: string) => new RegExp(`^.*"invocation\\.${id}".*"invocation\\.settled".*$`, 'm');
    const first = await call(started[0]);
    const follower = await spawnCli(['facts', '--follow', '--json', '--stream', 'invocation.', '--journal', env.CORE_JOURNAL], t);
    await follower.until(ends(first));
    const ids = [first, await call(started[1]), await call(started[0])];
    for (const id of ids) await follower.until(ends(id));
    const printed = await follower.until(/./);
    const wrote = ids.map(id => JSON.parse(ends(id).exec(printed)?.[0] ?? '').data.core);
    t.is(wrote[0], wrote[2]);
    t.not(wrote[0], wrote[1]);
    for (const {adminUrl} of started) {
      const {invocations} = (await ask(`${adminUrl}/api/invocations`)).json();
      t.deepEqual(invocations.map(({id}: {id: string}) => id).toSorted(), ids.toSorted());
      for (const [index, id] of ids.entries()) t.is((await ask(`${adminUrl}/api/invocations/${id}`)).json().boot.id, wrote[index]);
      const page = linesOf({stdout: (await ask(`${adminUrl}/api/facts?stream=invocation.`)).text()});
      t.is(page.filter(({type}) => type === 'invocation.settled').length, ids.length);
      t.is((await ask(`${adminUrl}/api/invocations/${first}/replay`, {method: 'POST'})).json().verdict, 'noise');
    }
    const compared = linesOf(await runCli(['replay', ...ids, '--json'], env)).filter(({verdict}) => verdict !== undefined);
    t.deepEqual(
      compared.map(({verdict}) => verdict),
      ids.map(() => 'noise'),
    );
  });

  test(titled('the processes of a core write to a shared journal themselves'), async t => {
    const {cores: started, facts} = await cores(t, 1, {CORE_PROCESSES: '2'});
    // A core does not wait for a journal that is slow to open, and serves without facts until it is there.
    const isOpen = ({msg}: {msg: string}) => msg.startsWith('The journal is open');
    await started[0].logged(() => started[0].logs.filter(isOpen).length === 2);
    for (let number = 0; number < 40; number++) t.is((await ask(started[0].url, {method: 'POST', body: '{}'})).status, 200);
    t.is(await started[0].stop(), 0);
    const settled = (await facts('invocation.')).filter(({fact}) => fact.type === 'invocation.settled');
    t.is(settled.length, 40, JSON.stringify(started[0].logs.filter(({level}) => level !== 'info')));
    const who = new Set(settled.map(({fact}) => (fact.type === 'invocation.settled' ? fact.data.core : '')));
    t.is(who.size, 2);
  });

  test(titled('the processes of a core run its work together, and are paused together'), async t => {
    t.timeout(120_000);
    const {cores: started, facts, log, ran} = await cores(t, 1, {CORE_PROCESSES: '2', CORE_WORK: 'on', CORE_WORK_CONCURRENCY: '2'});
    const [one] = started;
    const send = (name: string, ms = 0) => sendWork(one, {name, log, ms});
    await Promise.all(Array.from({length: 40}, (_, number) => send(`job-${number}`, 100)));
    await untilNothingWaits(one);
    const settled = (await facts('invocation.')).filter(({fact}) => fact.type === 'invocation.settled');
    t.is(settled.length, 40);
    t.is(new Set(settled.map(({fact}) => (fact.type === 'invocation.settled' ? fact.data.core : ''))).size, 2, 'both ran some');
    t.is((await ask(`${one.adminUrl}/api/work/pause`, {method: 'POST'})).status, 200);
    await pause(2000);
    await Promise.all(Array.from({length: 6}, (_, number) => send(`paused-${number}`)));
    await pause(1500);
    t.is(ran().length, 40);
    t.regex((await ask(`${one.adminUrl}/metrics`)).text(), /^core_work_waiting(\{\})? 6$/m, 'counted once');
    t.is((await ask(`${one.adminUrl}/api/work/resume`, {method: 'POST'})).status, 200);
    await untilNothingWaits(one);
    t.is(ran().length, 46);
    const sent = await send('long', 25_000);
    while (ran().length < 47) await pause(50);
    t.is((await ask(`${one.url}${sent.field('location')}`, {method: 'DELETE'})).status, 202);
    await untilNothingWaits(one);
    t.is((await ask(`${one.url}${sent.field('location')}`)).json().status, 'cancelled');
    t.is(await one.stop(), 0);
  });
}

async function sendWork(core: RunningCore, event: object) {
  const answer = await ask(core.url, {method: 'POST', body: JSON.stringify(event), headers: {prefer: 'respond-async'}});
  if (answer.status !== 202) throw new Error(`The core answered ${answer.status}: ${answer.body}`);
  return answer;
}

async function untilNothingWaits(core: RunningCore): Promise<void> {
  for (;;) {
    const {waiting, behind, running} = (await ask(`${core.adminUrl}/api/work?limit=1`)).json();
    if (waiting + behind + running === 0) return;
    await pause(200);
  }
}
