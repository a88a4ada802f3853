import {randomUUID, randomUUIDv7} from 'node:crypto';
import {appendFile, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '../../src/clock.ts';
import type {Recorded} from '../../src/journal.ts';
import {factEvent, payloadEvent} from '../../src/journals/cloud-event.ts';
import {readPlace} from '../../src/journals/index.ts';
import type {Claimed, IdempotencyKey, UsedKey, WorkItem, WorkState} from '../../src/work.ts';
import {runCli} from '../helpers/core.ts';
import {fact} from '../helpers/journal-suite.ts';
import {natsServer, startNats} from '../helpers/nats.ts';
import {postgresMissing, startPostgres} from '../helpers/postgres-server.ts';
import {newFile, openFile} from '../helpers/sqlite-journal.ts';

/* A journal goes from one engine to another and back, by export and import: facts, requests, and work that is not over. */

const limits = {attempts: 8, deaths: 3};
const hour = 3_600_000;
const accepted = (id: string) =>
  ({type: 'invocation.accepted', data: {source: 'work', bytes: 1, attempt: 1, dataref: `invocation.${id}/request`}}) as const;
const settled = (outcome: 'responded' | 'dead-lettered') =>
  [{type: 'invocation.settled', data: {outcome, status: 200, durationMs: 1}}] as const;

/** A file with facts of every kind of stream, and work in every state. @returns the ids of the work by what it is */
async function makeFile(t: ExecutionContext): Promise<{file: string; ids: Record<string, string>}> {
  const file = await newFile(t);
  await using journal = await openFile(file, systemClock);
  const ids: Record<string, string> = {};
  const send = async (name: string, some: Partial<WorkItem> = {}, key?: IdempotencyKey) => {
    const id = randomUUIDv7();
    ids[name] = id;
    const payloads = [{name: `invocation.${id}/request`, bytes: Buffer.from(name)}];
    await journal.work.enqueue({id, acceptedAt: Date.now(), due: Date.now(), ...some}, {facts: [accepted(id)], payloads, most: 99, key});
  };
  const take = async () => (await journal.work.claim(1, limits))[0] as Claimed;
  await journal.append('runtime.r', [fact(1), fact(2)]);
  const occurrence = '2026-01-01T00:00:00Z';
  await journal.append(`schedule.nightly ä.${occurrence}`, [
    {
      type: 'schedule.fired',
      data: {name: 'nightly ä', cron: '0 0 * * *', timezone: 'UTC', occurrence, invocationId: randomUUIDv7(), attempt: 1, core: 'c'},
    },
  ]);
  journal.record(`invocation.${randomUUIDv7()}`, [fact(3), fact(4)]);
  await send('over', {}, {scope: 'f'.repeat(64), fingerprint: 'a'.repeat(64), until: Date.now() + hour});
  await journal.work.settle(await take(), {facts: settled('responded')});
  await send('dead');
  await journal.work.settle(await take(), {facts: settled('dead-lettered'), dead: {why: 'exhausted', class: 'error', status: 500}});
  await send('runs', {orderingKey: 'a'});
  await take();
  for (const name of ['second', 'third', 'fourth']) await send(name, {orderingKey: 'a'});
  await send('forgotten', {due: Date.now() + hour}, {scope: 'e'.repeat(64), fingerprint: 'a'.repeat(64), until: Date.now() + 1});
  await send('waits', {due: Date.now() + hour, owner: 'f'.repeat(64), mostAttempts: 3});
  return {file, ids};
}

async function move(t: ExecutionContext, from: string, to: string, folder: string): Promise<void> {
  const text = join(folder, `${randomUUID()}.ndjson`);
  const exported = await runCli(['journal', 'export', '--payloads', '--journal', from]);
  t.is(exported.code, 0, exported.stderr);
  await writeFile(text, exported.stdout);
  for (const time of ['first', 'again']) {
    const {code, stdout, stderr} = await runCli(['journal', 'import', text, '--work', '--json', '--journal', to]);
    t.is(code, 0, stderr);
    const counts = JSON.parse(stdout);
    if (time === 'first')
      t.like(counts, {known: 0, leftOut: 0, work: {taken: 7, known: 0, leftOut: 0}, keys: {taken: 1, known: 0, leftOut: 0}});
    else t.like(counts, {imported: 0, leftOut: 0, work: {taken: 0, known: 7, leftOut: 0}, keys: {taken: 0, known: 1, leftOut: 0}});
  }
}

/** What a journal has, without what is its own: positions, and when it was kept. */
async function contents(location: string) {
  const {engine, place} = readPlace(location) ?? {};
  if (!engine?.read) throw new TypeError(`Expected a journal that can be read, got ${location}`);
  using archive = await engine.read(place ?? '', systemClock);
  const recorded: Recorded[] = await Array.fromAsync(archive.scan(''));
  const work: WorkState[] = await Array.fromAsync(archive.work?.() ?? []);
  const keys: UsedKey[] = await Array.fromAsync(archive.keys?.() ?? []);
  const streams = Map.groupBy(recorded, ({stream}) => stream);
  return {
    positions: recorded.map(({position}) => position),
    keys,
    facts: Object.fromEntries(
      [...streams].map(([stream, facts]) => [stream, facts.map(({at, fact}) => [at, fact.type, fact.data])] as const).toSorted(),
    ),
    requests: await Promise.all(
      work.map(async ({id}) => Buffer.from((await archive.payload(`invocation.${id}/request`)) ?? []).toString()),
    ),
    order: work.filter(({orderingKey}) => orderingKey === 'a').map(({id}) => id),
    work: Object.fromEntries(work.map(({status, ...state}) => [state.id, {...state, isDead: status === 'dead'}] as const).toSorted()),
  };
}

const missing = natsServer ? await postgresMissing() : 'there is no nats-server: CORE_TEST_NATS names the folder that has it';
const opened = new AsyncDisposableStack();
const servers = missing === undefined ? opened.use(await startNats(1)) : undefined;
const database = missing === undefined ? opened.use(await startPostgres()) : undefined;
test.after.always(() => opened.disposeAsync());

const placeOf = async (t: ExecutionContext, name: string) => {
  if (name === 'nats') return `nats://${servers?.hosts}/${randomUUID()}?synced=asserted`;
  return name === 'postgres' ? `postgres:${database?.place()}` : `sqlite:${await newFile(t)}`;
};

for (const way of [
  ['nats', 'postgres', 'sqlite'],
  ['postgres', 'nats', 'sqlite'],
]) {
  const title = `a journal goes from sqlite to ${way.join(' to ')}, with its work, and nothing is lost or changed but positions`;
  if (missing !== undefined) test.skip(`${title}: ${missing}`, () => {});
  else
    test(title, async t => {
      t.timeout(240_000);
      const {file, ids} = await makeFile(t);
      let from = `sqlite:${file}`;
      const {positions: _, ...before} = await contents(from);
      t.deepEqual(before.order, [ids.runs, ids.second, ids.third, ids.fourth]);
      t.true(before.requests.includes('waits'));
      t.like(before.keys, [{scope: 'f'.repeat(64), id: ids.over}]);
      for (const name of way) {
        const to = await placeOf(t, name);
        await move(t, from, to, dirname(dirname(file)));
        const {positions, ...after} = await contents(to);
        t.deepEqual({...after, requests: after.requests.toSorted()}, {...before, requests: before.requests.toSorted()}, name);
        t.deepEqual(
          positions,
          [...positions].toSorted((one, other) => one - other),
        );
        from = to;
      }
      await using moved = await openFile(from.slice('sqlite:'.length), systemClock);
      const again = {id: randomUUIDv7(), acceptedAt: Date.now(), due: Date.now()};
      const key = {scope: 'f'.repeat(64), fingerprint: 'b'.repeat(64), until: Date.now() + hour};
      const told = await moved.work.enqueue(again, {facts: [accepted(again.id)], payloads: [], most: 99, key});
      t.deepEqual(told, {kind: 'known', id: ids.over ?? '', fingerprint: 'a'.repeat(64)}, 'a request of before is not run again');
      const [runs, ...others] = await moved.work.claim(9, limits);
      t.like(runs, {id: ids.runs, task: 'run', attempts: 2});
      t.deepEqual(others, [], 'those behind it wait');
    });
}

for (const name of ['nats', 'postgres']) {
  const title = `large requests are imported to ${name} however fast they are read`;
  if (missing !== undefined) test.skip(`${title}: ${missing}`, () => {});
  else
    test(title, async t => {
      t.timeout(120_000);
      const text = join(dirname(dirname(await newFile(t))), 'facts.ndjson');
      const bytes = Buffer.alloc(2 ** 19);
      for (let number = 1; number <= 150; number++) {
        const stream = `invocation.${randomUUIDv7()}`;
        const dataref = `${stream}/request`;
        const kept = factEvent({stream, position: number, at: Date.now(), fact: accepted(stream.slice('invocation.'.length))});
        await appendFile(text, `${JSON.stringify(payloadEvent({name: dataref, bytes}))}\n${JSON.stringify(kept)}\n`);
      }
      const {code, stderr} = await runCli(['journal', 'import', text, '--journal', await placeOf(t, name)]);
      t.is(code, 0, stderr);
    });
}
