import test from 'ava';
import {openDoors} from '../src/serve/doors.ts';
import {duration, type Settings, setting} from '../src/settings/setting.ts';
import type {TriggerPlugin} from '../src/trigger.ts';
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
