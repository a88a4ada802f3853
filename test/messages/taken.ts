import test from 'ava';
import {Settling, Taken} from '../../src/messages/taken.ts';
import {isPending} from '../helpers/pool.ts';

test('a broker that breaks off again and again leaves few connections behind', async t => {
  const settling = new Settling();
  const [disposed, calls] = [[] as number[], Array.from({length: 4}, () => new Taken())];
  for (const [number, taken] of calls.entries()) {
    taken.begin();
    t.false(await isPending(settling.room()));
    settling.add({[Symbol.asyncDispose]: async () => void disposed.push(number)}, taken);
  }
  const waiting = settling.room();
  t.true(await isPending(waiting));
  calls[2]?.end();
  await waiting;
  t.deepEqual(disposed, [2]);
});
