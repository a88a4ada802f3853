import {randomUUIDv7} from 'node:crypto';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {openPostgres, schemaOf, withPostgres} from '../helpers/postgres.ts';

await withPostgres('PostgreSQL crashes, and comes back', server => {
  test.serial('after kill -9 of the server, what was acknowledged is there, once, and a core goes on', async t => {
    const place = server.place();
    await using journal = await openPostgres(place, systemClock);
    const acknowledged: number[][] = Array.from({length: 16}, () => []);
    let isOver = false;
    let unknown = 0;
    const writers = acknowledged.map(async (numbers, writer) => {
      for (let number = 0; !isOver; number++) {
        try {
          await journal.append(`s.${writer}.${number}`, [fact(number)], {expect: 0});
          numbers.push(number);
        } catch (error) {
          t.true(error instanceof Fault && error.code === 'JOURNAL_FAILED');
          unknown++;
          await pause(50);
        }
      }
    });
    for (let crash = 0; crash < 3; crash++) {
      await pause(700);
      await server.kill();
      await pause(crash === 2 ? 3000 : 300);
      await server.start();
    }
    while (!journal.isDurable) await pause(50);
    await pause(500);
    isOver = true;
    await Promise.all(writers);
    t.true(unknown > 0, 'while it was away for longer');
    const counts = new Map<string, number>();
    for await (const {stream} of journal.scan('s.')) counts.set(stream, (counts.get(stream) ?? 0) + 1);
    t.deepEqual(
      [...counts].filter(([, count]) => count > 1),
      [],
    );
    const missing = acknowledged.flatMap((numbers, writer) => numbers.filter(number => !counts.has(`s.${writer}.${number}`)));
    t.deepEqual(missing, []);
    t.log(`${acknowledged.flat().length} acknowledged, ${unknown} refused or unknown`);
  });

  test.serial('while the database is away appends fail, facts that nobody waits for are kept as long as there is room', async t => {
    const place = server.place();
    await using journal = await openPostgres(place, systemClock);
    await journal.append('a', [fact(1)]);
    await server.kill();
    const first = journal.append('a', [fact(2)]);
    journal.record('invocation.x', [fact(3)]);
    await t.throwsAsync(first, {code: 'JOURNAL_FAILED'});
    t.false(journal.isDurable);
    await t.throwsAsync(journal.append('a', [fact(4)]), {code: 'JOURNAL_FAILED'});
    await t.throwsAsync(journal.last('a'), {code: 'JOURNAL_FAILED'});
    const body = {name: 'p', bytes: Buffer.alloc(2 ** 20)};
    for (let number = 0; number < 40; number++) journal.record('invocation.y', [fact(5)], [body]);
    await server.start();
    while (!journal.isDurable) await pause(50);
    const kept = numbers(await all(journal.scan('')));
    t.deepEqual(kept.slice(0, 2), [1, 3]);
    t.false(kept.includes(2) || kept.includes(4));
    t.is((await journal.append('a', [fact(6)], {expect: 1})).durability, 'fsync');
  });

  test.serial('nobody waits for the database longer than others, whose neighbour could not be written', async t => {
    const place = server.place();
    await using journal = await openPostgres(place, systemClock);
    const slow = `${schemaOf(place)}.slow`;
    await server.sql(`CREATE FUNCTION ${slow}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
      CREATE TRIGGER slow BEFORE INSERT ON ${schemaOf(place)}.fact FOR EACH ROW EXECUTE FUNCTION ${slow}()`);
    const item = {id: randomUUIDv7(), acceptedAt: 1, due: 1, orderingKey: 'a\0b'};
    // They are written together, and then, as one of them cannot be, one by one.
    const results = Promise.allSettled([
      journal.append('a', [fact(1)]),
      journal.work.enqueue(item, {facts: [fact(2)], payloads: [], most: 9}),
      journal.append('b', [fact(3)]),
      journal.last('a'),
    ]);
    while ((await server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) !== '1') await pause(20);
    await server.kill();
    t.deepEqual(
      (await results).map(result => result.status === 'rejected' && result.reason.code),
      Array.from({length: 4}, () => 'JOURNAL_FAILED'),
    );
    await server.start();
    await server.sql(`DROP FUNCTION ${slow} CASCADE`);
    while (!journal.isDurable) await pause(50);
    await journal.append('c', [fact(4)], {expect: 0});
    t.deepEqual(numbers(await all(journal.scan(''))), [4], 'what was told to have failed is not written');
  });

  test.serial('a commit that no standby has is reported to have failed', async t => {
    t.timeout(240_000);
    const place = server.place();
    const journal = await openPostgres(place, systemClock);
    await server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await server.sql('SELECT pg_reload_conf()');
    await pause(500);
    await t.throwsAsync(journal.append('a', [fact(1)]), {code: 'JOURNAL_FAILED'});
    t.false(journal.isDurable);
    await server.sql('ALTER SYSTEM RESET synchronous_standby_names');
    await server.sql('SELECT pg_reload_conf()');
    while (!journal.isDurable) await pause(100);
    await journal.append('b', [fact(2)]);
    await journal[Symbol.asyncDispose]();
  });
});
