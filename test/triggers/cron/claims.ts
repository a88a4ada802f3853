import test from 'ava';
import type {Journal} from '../../../src/journal.ts';
import {Claims} from '../../../triggers/cron/claims.ts';
import {fakeHouse} from '../../helpers/fakes.ts';

const hour = 3_600_000;

test('a claim that failed is made again under its id; of very many those tried longest ago are forgotten', async t => {
  const ids: string[] = [];
  const append: Journal['append'] = async (_stream, [fact]) => {
    if (fact.type !== 'schedule.fired') return t.fail();
    ids.push(fact.data.invocationId);
    throw new Error('the disk is full');
  };
  const house = fakeHouse();
  house.journal.append = append;
  const claims = new Claims(house, {
    name: 'hourly',
    cron: '0 * * * *',
    timezone: 'UTC',
    input: '{}',
    catchUp: 1,
    overlap: 'allow',
    jitterMs: 0,
  });
  const take = (occurrence: number) => t.throwsAsync(claims.take(occurrence), {message: 'the disk is full'});
  for (let nth = 0; nth < 1000; nth++) await take(nth * hour);
  await take(0);
  t.is(ids.at(-1), ids[0]);
  await take(1000 * hour);
  await take(0);
  t.is(ids.at(-1), ids[0], 'it was tried again just now');
  await take(hour);
  t.not(ids.at(-1), ids[1]);
});
