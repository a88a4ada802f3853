import {randomUUIDv7} from 'node:crypto';
import test from 'ava';
import type {Fact} from '../../src/facts.ts';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {openPostgres, type PostgresServer, schemaOf, withPostgres} from '../helpers/postgres.ts';

const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
const day = 24 * 3_600_000;

const fired = (name: string, occurrence: string, invocationId: string): Fact => ({
  type: 'schedule.fired',
  data: {name, occurrence, cron: '* * * * *', timezone: 'UTC', invocationId, attempt: 1, core: 'core-1'},
});

/** Makes everything that a journal holds older. */
async function age(server: PostgresServer, place: string, ms: number): Promise<void> {
  const schema = schemaOf(place);
  for (const table of ['fact', 'payload', 'append']) await server.sql(`UPDATE ${schema}.${table} SET stored = stored - ${ms}`);
}

await withPostgres('PostgreSQL forgets what is old', server => {
  test('what must stay stays at any age', async t => {
    const place = server.place();
    await using journal = await openPostgres(place);
    const [open, over, waiting, recorded] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    const [claimed, pinned] = [randomUUIDv7(), randomUUIDv7()];
    await journal.append(`invocation.${open}`, [fact(1)], {payloads: [{name: `invocation.${open}/request`, bytes: Buffer.from('x')}]});
    await journal.work.enqueue(
      {id: waiting, acceptedAt: 1, due: 9e15},
      {facts: [fact(2)], payloads: [{name: `invocation.${waiting}/request`, bytes: Buffer.from('x')}], most: 9},
    );
    await journal.append('schedule.a.2026-01-01T00:00:00Z', [fired('a', '2026-01-01T00:00:00Z', claimed)]);
    await journal.append(`invocation.${claimed}`, [fact(3)]);
    await journal.append('schedule.b.2026-01-01T00:00:00Z', [fired('b', '2026-01-01T00:00:00Z', over)]);
    await journal.append('schedule.b.2026-01-02T00:00:00Z', [fired('b', '2026-01-02T00:00:00Z', pinned)]);
    await journal.append(`invocation.${pinned}`, [settled]);
    await journal.append(`invocation.${over}`, [fact(4), settled], {
      payloads: [{name: `invocation.${over}/request`, bytes: Buffer.from('x')}],
    });
    journal.record(`invocation.${recorded}`, [fact(5)]);
    await journal.append('runtime.1', [fact(6)]);
    await journal.last('none');
    await age(server, place, 8 * day);
    const {position} = await journal.append('runtime.2', [fact(7)]);
    await journal.sweep();
    const streams = (await all(journal.scan(''))).map(({stream}) => stream);
    t.deepEqual(streams, [
      `invocation.${open}`,
      `invocation.${waiting}`,
      'schedule.a.2026-01-01T00:00:00Z',
      `invocation.${claimed}`,
      'schedule.b.2026-01-02T00:00:00Z',
      `invocation.${pinned}`,
      'runtime.2',
      'journal',
    ]);
    for (const [id, stays] of [
      [open, true],
      [waiting, true],
      [over, false],
    ] as const) {
      t.is((await journal.payload(`invocation.${id}/request`)) !== undefined, stays, id);
    }
    t.true((await journal.append('runtime.3', [fact(8)])).position > position);
  });

  test('positions go on after everything was removed', async t => {
    const place = server.place();
    const clock = new ManualClock();
    const first = await openPostgres(place, clock);
    await first.append('runtime.1', [fact(1), fact(2)]);
    await server.sql(`DELETE FROM ${schemaOf(place)}.fact`);
    await first[Symbol.asyncDispose]();
    await using second = await openPostgres(place, clock);
    t.is(await second.before(9e15), 2);
    t.is((await second.append('runtime.1', [fact(3)], {expect: 0})).position, 3);
  });

  test('past its size it forgets the oldest, payloads first', async t => {
    const place = server.place();
    await using journal = await openPostgres(place, new ManualClock(), 'core', {maxBytes: 100_000});
    for (let number = 0; number < 20; number++) {
      await journal.append(`runtime.${number}`, [fact(number)], {payloads: [{name: `p${number}`, bytes: Buffer.alloc(10_000)}]});
    }
    await journal.sweep();
    t.is((await all(journal.scan('runtime.'))).length, 20);
    t.is(await journal.payload('p0'), undefined);
    t.is((await journal.payload('p19'))?.length, 10_000);
    await server.sql(`UPDATE ${schemaOf(place)}.append SET bytes = bytes + 96000`);
    await journal.sweep();
    await journal.sweep();
    t.is(await journal.payload('p19'), undefined);
    const left = numbers(await all(journal.scan('runtime.')));
    t.true(left.length < 20 && left.at(-1) === 19, String(left));
  });

  test('a clock that jumped removes nothing for a day', async t => {
    const place = server.place();
    const clock = new ManualClock();
    await using journal = await openPostgres(place, clock);
    await journal.append('runtime.1', [fact(1)]);
    await age(server, place, 30 * day);
    await journal.sweep();
    t.is((await all(journal.scan(''))).length, 1);
  });

  test('what was refused does not count to its size', async t => {
    const place = server.place();
    await using journal = await openPostgres(place);
    const bytes = async () => Number(await server.sql(`SELECT bytes FROM ${schemaOf(place)}.append ORDER BY number DESC LIMIT 1`));
    await journal.append('a', [fact(1)], {expect: 0});
    const kept = await bytes();
    // One that is kept and one that is not, in one group.
    const [again, other] = await Promise.allSettled([
      journal.append('a', [fact(1), fact(2)], {expect: 0}),
      journal.append('b', [fact(1)], {expect: 0}),
    ]);
    t.deepEqual([again?.status, other?.status], ['rejected', 'fulfilled']);
    await t.throwsAsync(journal.append('a', [fact(1)], {expect: 0}));
    t.is(await bytes(), 2 * kept);
  });
});
