import {randomUUIDv7} from 'node:crypto';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {redactor} from '../../src/journals/payload.ts';
import {WorkHall} from '../../src/work/hall.ts';
import {storedPayloads} from '../../src/work/stored.ts';
import {tickRequest} from '../../triggers/cron/tick-input.ts';
import {Runner} from '../../triggers/work/runner.ts';
import {fakeHouse} from '../helpers/fakes.ts';

/* Work whose request the journal does not give. */

function opened() {
  const journal = new MemoryJournal(systemClock);
  const hurry = new AbortController();
  const house = fakeHouse({journal, hurry: hurry.signal});
  const limits = {attempts: 3, deaths: 3};
  const hall = new WorkHall(journal.work, {limits, most: 10, durability: 'buffered', isKept: () => true}, systemClock);
  const runner = new Runner(house, hall, {concurrency: 1});
  hall.runner = runner;
  return {
    journal,
    hurry,
    hall,
    runner,
    async send() {
      const id = randomUUIDv7();
      const request = tickRequest({name: 'a', occurrence: '2026-01-01T00:00:00Z', body: Buffer.from('{}')});
      const payloads = storedPayloads(id, {request, subject: ''}, redactor(''));
      const now = systemClock.now();
      await hall.store.enqueue(
        {id, acceptedAt: now, due: now, isBare: true},
        {facts: [{type: 'invocation.accepted', data: {source: 'work', bytes: 2, attempt: 1}}], payloads, most: 10},
      );
      runner.wake();
      return id;
    },
  };
}

test('an item whose request was not given when the grace time of the stop was over is due again, and no dead letter', async t => {
  const {journal, hurry, hall, runner, send} = opened();
  const asked = Promise.withResolvers<void>();
  journal.payload = async () => {
    asked.resolve(runner.close());
    hurry.abort();
    throw new Fault('JOURNAL_FAILED');
  };
  const id = await send();
  await asked.promise;
  t.like(await hall.store.find(id), {status: 'waiting', attempts: 0, deaths: 0});
});

test('one whose request is gone is a dead letter', async t => {
  const {journal, hall, runner, send} = opened();
  journal.payload = async () => undefined;
  const id = await send();
  while ((await hall.store.find(id))?.status !== 'dead') await systemClock.sleep(5);
  t.like(await hall.store.find(id), {reason: {class: 'lost', status: 502}});
  await runner.close();
});
