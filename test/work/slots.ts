import test from 'ava';
import {Slots} from '../../src/work/slots.ts';
import {settle} from '../helpers/clock.ts';

const open = () => new AbortController().signal;

test('who comes when every place is taken gets the next one, in turn', async t => {
  const slots = new Slots(1);
  t.true(await slots.enter(open()));
  const entered: string[] = [];
  for (const name of ['a', 'b']) void slots.enter(open()).then(() => entered.push(name));
  await settle();
  t.deepEqual(entered, []);
  slots.leave();
  await settle();
  t.deepEqual(entered, ['a']);
  slots.leave();
  await settle();
  t.deepEqual(entered, ['a', 'b']);
  slots.leave();
  t.true(await slots.enter(open()));
});

test('who is told to stop takes no place', async t => {
  const slots = new Slots(1);
  t.false(await slots.enter(AbortSignal.abort()));
  t.true(await slots.enter(open()));
  const stopping = new AbortController();
  const waiting = slots.enter(stopping.signal);
  stopping.abort();
  t.false(await waiting);
  slots.leave();
  t.true(await slots.enter(open()));
});
