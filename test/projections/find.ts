import test from 'ava';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {findInvocations, mostFound} from '../../src/projections/find.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fact} from '../helpers/journal-suite.ts';

test('an id is found by itself, by how it begins and by how it ends; of many the newest', async t => {
  const journal = new MemoryJournal(new ManualClock());
  for (const id of ['01aa-7f3a', '01ab-7f3b', '02aa-7f3a', '01aa']) journal.record(`invocation.${id}`, [fact(1)]);
  journal.record('invocation.01ab-7f3b', [fact(2)]);
  t.deepEqual(await findInvocations(journal, 'zz'), []);
  t.deepEqual(await findInvocations(journal, '01aa'), ['01aa'], 'itself, though another begins with it');
  t.deepEqual(await findInvocations(journal, '7f3a'), ['01aa-7f3a', '02aa-7f3a']);
  t.deepEqual(await findInvocations(journal, '01'), ['01aa-7f3a', '01aa', '01ab-7f3b']);
  for (let index = 0; index < 2 * mostFound; index++) journal.record(`invocation.x${index}`, [fact(1)]);
  const many = await findInvocations(journal, 'x');
  t.is(many.length, mostFound);
  t.is(many.at(-1), `x${2 * mostFound - 1}`);
});
