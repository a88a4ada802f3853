import test from 'ava';
import {besideLeader, needJournal, openDoors, triggerRoutes} from '../src/serve/doors.ts';
import {duration, type Settings, setting} from '../src/settings/setting.ts';
import type {House, TriggerPlugin} from '../src/trigger.ts';
import {triggers} from '../triggers/index.ts';
import {settle} from './helpers/clock.ts';
import {fakeHouse} from './helpers/fakes.ts';

/** A trigger that tells what happens to it. */
function teller(name: string, told: string[], some: {url?: string; fails?: boolean; closed?: Promise<void>} = {}): TriggerPlugin<Settings> {
  return {
    settings: {everyMs: setting(`CORE_${name.toUpperCase()}`, duration(), '1m', 'Time between two.')},
    async open({everyMs}) {
      if (some.fails) throw new Error(`${name} does not open`);
      told.push(`${name} opens with ${everyMs}`);
      return {
        ...(some.url !== undefined && {url: some.url}),
        async [Symbol.asyncDispose]() {
          told.push(`${name} closes`);
          await some.closed;
          told.push(`${name} is closed`);
        },
      };
    },
  };
}

test('when one does not open, those before it are closed', async t => {
  const told: string[] = [];
  const table = {a: teller('a', told), b: teller('b', told, {fails: true}), c: teller('c', told)};
  await t.throwsAsync(openDoors(table, {}, fakeHouse()), {message: 'b does not open'});
  t.deepEqual(told, ['a opens with 60000', 'a closes', 'a is closed']);
});

test('each gets its own settings, in the order of the table', async t => {
  const told: string[] = [];
  const doors = await openDoors({a: teller('a', told, {url: 'http://a'}), b: teller('b', told)}, {CORE_B: '2s'}, fakeHouse());
  t.deepEqual(told, ['a opens with 60000', 'b opens with 2000']);
  t.is(doors.url, 'http://a');
  await doors[Symbol.asyncDispose]();
});

test('all close at once, and the closing is over when the last is', async t => {
  const told: string[] = [];
  const gate = Promise.withResolvers<void>();
  const doors = await openDoors({a: teller('a', told, {closed: gate.promise}), b: teller('b', told)}, {}, fakeHouse());
  told.length = 0;
  const closing = doors[Symbol.asyncDispose]();
  await settle();
  t.deepEqual(told, ['a closes', 'b closes', 'b is closed']);
  gate.resolve();
  await closing;
  t.is(told.at(-1), 'a is closed');
});

test('a trigger that delivers nothing says why, under its name', async t => {
  let problem: string | undefined;
  const broken: TriggerPlugin<Settings> = {
    settings: {},
    open: async () => ({problem: () => problem, async [Symbol.asyncDispose]() {}}),
  };
  const doors = await openDoors({plain: teller('plain', []), broken}, {}, fakeHouse());
  t.is(doors.problem(), undefined);
  problem = 'the broker does not answer';
  t.is(doors.problem(), 'broken: the broker does not answer');
});

test('a trigger adds routes, which are refused until it is open', async t => {
  const routed: TriggerPlugin<Settings> = {
    ...teller('routed', [], {url: 'http://routed'}),
    routes: opened => [{method: 'GET', path: '/api/routed', doc: 'A test.', run: () => ({body: {url: opened().url}})}],
  };
  const table = {plain: teller('plain', []), routed};
  let doors: Awaited<ReturnType<typeof openDoors>> | undefined;
  const [route] = triggerRoutes(table, () => doors);
  const run = async () => (await route?.run({} as never))?.body; // it reads nothing of the call
  await t.throwsAsync(run, {code: 'NOT_READY', message: 'the trigger routed is not open yet'});
  doors = await openDoors(table, {}, fakeHouse());
  t.deepEqual(await run(), {url: 'http://routed'});
});

test('a trigger says whether it needs a journal that lasts, by its settings', t => {
  const needing = {...teller('needing', []), needsJournal: ({everyMs}: {everyMs: number}) => everyMs < 60_000};
  t.false(needJournal({plain: teller('plain', []), needing}, {}));
  t.true(needJournal({plain: teller('plain', []), needing}, {CORE_NEEDING: '1s'}));
});

test('a process beside the leader opens the triggers that declare it, and no other', t => {
  const shares: TriggerPlugin<Settings, House> = {settings: {}, runsBeside: true, open: async () => ({async [Symbol.asyncDispose]() {}})};
  t.deepEqual(Object.keys(besideLeader({claims: teller('claims', []), shares})), ['shares']);
  t.like(besideLeader(triggers), {http: triggers.http, cron: undefined, listed: undefined});
  // @ts-expect-error a trigger that claims work has no journal there
  const claims: TriggerPlugin<Settings> = {...teller('claims', []), runsBeside: true};
  t.true(claims.runsBeside);
});
