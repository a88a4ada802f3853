import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {WorkHall} from '../../src/work/hall.ts';
import {storedPayloads} from '../../src/work/stored.ts';
import {Runner} from '../../triggers/work/runner.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fakeHouse, requestInput} from '../helpers/fakes.ts';

/* The trigger that runs work, while the wall clock is set by an hour. */

const [minute, hour] = [60_000, 3_600_000];

test('work that a step of the clock makes due starts within a minute, and what a step makes late is not forgotten', async t => {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  const ran: string[] = [];
  const house = fakeHouse({
    clock,
    journal,
    async deliver(delivery: Delivery) {
      ran.push(delivery.id ?? '');
      delivery.reply({status: 200, headers: [], body: ''});
    },
  });
  const options = {limits: {attempts: 3, deaths: 3}, most: 10, durability: 'buffered', isKept: () => true} as const;
  const hall = new WorkHall(journal.work, options, clock);
  const runner = new Runner(house, hall, {concurrency: 2});
  t.teardown(() => runner.close());
  const {reply: _, ...request} = requestInput();
  const send = async (id: string, afterMs: number, expiresMs?: number) => {
    const now = clock.now();
    const item = {id, acceptedAt: now, due: now + afterMs, ...(expiresMs !== undefined && {expires: now + expiresMs})};
    await hall.store.enqueue(item, {
      facts: [{type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}}],
      payloads: storedPayloads(id, {request: {...request, reply: 'http'}, subject: ''}, fields => [...fields]),
      most: 10,
    });
    runner.wake();
    await clock.turn();
  };

  await send('delayed', 50 * minute);
  await send('expires', 50 * minute, 55 * minute);
  await send('later', 2 * hour);
  t.deepEqual(ran, []);
  clock.setWall(clock.now() + hour);
  await clock.advance(minute);
  t.deepEqual(ran, ['delayed'], 'the other one has expired');
  const facts = await Array.fromAsync(journal.read('invocation.expires'));
  t.like(facts.at(-1)?.fact, {type: 'invocation.settled', data: {outcome: 'expired'}});
  clock.setWall(clock.now() - hour);
  for (let minutes = 0; minutes < 118; minutes++) await clock.advance(minute);
  t.deepEqual(ran, ['delayed'], 'not before its moment');
  for (let minutes = 0; minutes < 3; minutes++) await clock.advance(minute);
  t.deepEqual(ran, ['delayed', 'later']);
});
