import test from 'ava';
import {Lanes} from '../../src/messages/lanes.ts';
import {settle} from '../helpers/clock.ts';

const link = {};

/** Lanes, and what ends in them. */
function row() {
  const told: string[] = [];
  const end = (name: string, waits?: Promise<void>) => async (isBroken: boolean) => {
    await waits;
    told.push(isBroken ? `${name} is broken` : name);
  };
  return {lanes: new Lanes(), told, gate: Promise.withResolvers<void>(), end};
}

test('what waits behind one that broke the row is told so, and what comes later is not', async t => {
  const lanes = new Lanes();
  const told: string[] = [];
  const gate = Promise.withResolvers<void>();
  const run = (name: string, breaks = false, waits = Promise.resolve()) =>
    lanes.run(
      'a',
      link,
      async isBroken => {
        await waits;
        told.push(isBroken ? `${name} is broken` : name);
      },
      () => breaks,
    );
  const before = [run('1', true, gate.promise), run('2', true), run('3')];
  gate.resolve();
  await Promise.all(before);
  await run('4');
  t.deepEqual(told, ['1', '2 is broken', '3 is broken', '4']);
});

test('what comes after the row was broken does not run before those that wait in it', async t => {
  const {lanes, told, gate, end} = row();
  const first = lanes.run('a', link, end('1'), () => true);
  const second = lanes.run('a', link, end('2', gate.promise), () => true);
  await first;
  const third = lanes.run('a', link, end('3'), () => false);
  await settle();
  t.deepEqual(told, ['1']);
  gate.resolve();
  await Promise.all([second, third]);
  t.deepEqual(told, ['1', '2 is broken', '3']);
});

test('lanes wait for nothing of other lanes', async t => {
  const lanes = new Lanes();
  const gate = Promise.withResolvers<void>();
  const held = lanes.run(
    'a',
    link,
    () => gate.promise,
    () => true,
  );
  const said = (isBroken: boolean) => Promise.resolve(isBroken);
  t.false(await lanes.run('b', link, said, () => false));
  t.false(await lanes.run(undefined, link, said, () => false));
  gate.resolve();
  await held;
});

test('what another connection delivers waits for its turn, and is not broken by what was lost with the one before', async t => {
  const {lanes, told, gate, end} = row();
  const all = [
    lanes.run('a', link, end('1', gate.promise), () => true),
    lanes.run('a', link, end('2'), () => true),
    lanes.run('a', {}, end('1 again'), () => false),
  ];
  await settle();
  t.deepEqual(told, []);
  gate.resolve();
  await Promise.all(all);
  t.deepEqual(told, ['1', '2 is broken', '1 again']);
});
