import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import type {Recorded} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {namer} from '../../src/journals/named.ts';
import {Boots, lastRun} from '../../src/projections/boots.ts';
import {ManualClock} from '../helpers/clock.ts';

const config: Fact = {type: 'config.loaded', data: {version: '1', digest: 'a'}};
const spawned: Fact = {type: 'runtime.spawned', data: {executable: 'node', pid: 7}};
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 3, attempt: 1}};
const started: Fact = {type: 'attempt.started', data: {attempt: 1, epoch: 1}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'cancelled', status: 410, durationMs: 5}};
const responded: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 5, pid: 7}};

type Step = readonly [stream: string, fact: Fact, core?: string];

/** The boot to which an invocation is put down after these facts. */
async function coreOf(...steps: readonly Step[]): Promise<string | undefined> {
  const journal = new MemoryJournal(new ManualClock());
  for (const [stream, fact, core] of steps) journal.record(stream, namer(core)([fact]) as [Fact]);
  const run = lastRun(await Array.fromAsync<Recorded>(journal.read('invocation.a')));
  return run && (await Boots.read(journal)).of(run)?.id;
}

const boot = (core: string): Step[] => [
  [`runtime.${core}`, config, core],
  [`runtime.${core}`, spawned, core],
];
const aloneBoot = (core: string): Step[] => [
  [`runtime.${core}`, config],
  [`runtime.${core}`, spawned],
];

test('what facts without a core ran on is not known where every core names its facts', async t => {
  t.is(await coreOf(...boot('one'), ['invocation.a', accepted]), undefined);
  t.is(
    await coreOf(...boot('one'), ['invocation.a', accepted], ['invocation.a', responded]),
    undefined,
    'a process of that number is no proof',
  );
});

test('a core whose own facts are gone is not replaced by another', async t => {
  t.is(await coreOf(...boot('one'), ['invocation.a', accepted, 'gone']), undefined);
});

test('work that runs is put down to the core that began it, not to one that started later or accepted it', async t => {
  const running: Step[] = [...boot('one'), ...boot('two'), ['invocation.a', accepted, 'two']];
  t.is(await coreOf(...running), 'two', 'as long as none has begun it');
  t.is(await coreOf(...running, ['invocation.a', started, 'one'], ...boot('three')), 'one');
  t.is(await coreOf(...running, ['invocation.a', started, 'one'], ['invocation.a', settled, 'two']), 'one', 'which another one ended');
});

test('what a core ran alone, before its journal was imported, stays its own', async t => {
  t.is(await coreOf(...boot('new'), ...aloneBoot('old'), ['invocation.a', accepted], ['invocation.a', responded]), 'old');
  t.is(await coreOf(...aloneBoot('old'), ...boot('new'), ['invocation.a', accepted]), 'old');
});

test('facts keep the core that they name, and stay as they are where one core writes alone', t => {
  t.is(namer(undefined)([started])[0], started);
  const [same, named] = namer('two')([{type: 'attempt.started', data: {attempt: 1, epoch: 1, core: 'one'}}, started]);
  t.is(same?.data.core, 'one');
  t.deepEqual(named?.data, {attempt: 1, epoch: 1, core: 'two'});
  t.false('core' in started.data);
});
