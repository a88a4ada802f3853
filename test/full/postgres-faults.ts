import {randomUUIDv7} from 'node:crypto';
import {setTimeout as pause} from 'node:timers/promises';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {RevisionConflict} from '../../src/journal.ts';
import {JournalRefused} from '../../src/journals/engine.ts';
import {lockOf} from '../../src/journals/postgres/schema.ts';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {openPostgres, schemaOf, withPostgres} from '../helpers/postgres.ts';

await withPostgres('PostgreSQL fails, and facts stay true', server => {
  test('a schema that is somebody else’s, or of a later version, is refused', async t => {
    const foreign = server.place();
    await server.sql(`CREATE SCHEMA ${schemaOf(foreign)}`);
    await server.sql(`CREATE TABLE ${schemaOf(foreign)}.orders(id int)`);
    const refused = await t.throwsAsync(openPostgres(foreign), {instanceOf: JournalRefused});
    t.regex(refused?.message ?? '', /has a table orders that is no journal's: name another one, \?schema=<name>/);
    const later = server.place();
    await (await openPostgres(later))[Symbol.asyncDispose]();
    await server.sql(`UPDATE ${schemaOf(later)}.meta SET value = 99 WHERE key = 'version'`);
    await t.throwsAsync(openPostgres(later), {message: /has version 99; this version of the core reads \d/});
  });

  test('cores that start at the same time make one journal', async t => {
    const place = server.place();
    const journals = await Promise.all(Array.from({length: 5}, () => openPostgres(place)));
    const won = await Promise.allSettled(journals.map((journal, index) => journal.append('a', [fact(index)], {expect: 0})));
    t.is(won.filter(({status}) => status === 'fulfilled').length, 1);
    for (const result of won) if (result.status === 'rejected') t.true(result.reason instanceof RevisionConflict);
    for (const journal of journals) await journal[Symbol.asyncDispose]();
  });

  test('what cannot be written does not take its neighbours along', async t => {
    await using journal = await openPostgres(server.place());
    const item = {id: randomUUIDv7(), acceptedAt: 1, due: 1, orderingKey: 'a\0b'};
    const results = await Promise.allSettled([
      journal.append('a', [fact(1)]),
      journal.work.enqueue(item, {facts: [fact(2)], payloads: [], most: 9}),
      journal.append('b', [fact(3)], {expect: 0}),
    ]);
    t.deepEqual(
      results.map(({status}) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    t.deepEqual(numbers(await all(journal.scan(''))), [1, 3]);
  });

  test('while the server has no room nothing is durable, and it is found when it has', async t => {
    const place = server.place();
    await using journal = await openPostgres(place, systemClock);
    await server.sql(`CREATE FUNCTION ${schemaOf(place)}.full() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
      CREATE TRIGGER no_room BEFORE INSERT ON ${schemaOf(place)}.append FOR EACH ROW EXECUTE FUNCTION ${schemaOf(place)}.full()`);
    await t.throwsAsync(journal.append('a', [fact(1)], {expect: 0}), {code: 'JOURNAL_FAILED'});
    t.false(journal.isDurable);
    await server.sql(`DROP TRIGGER no_room ON ${schemaOf(place)}.append`);
    while (!journal.isDurable) await pause(20);
    t.is((await journal.append('a', [fact(2)], {expect: 0})).position, 1);
  });

  test.serial('an append whose connection breaks is kept once, and known to be', async t => {
    const place = server.place();
    await using journal = await openPostgres(place, systemClock);
    const end = new AbortController();
    const cut = (async () => {
      while (!end.signal.aborted) {
        await pause(300);
        await server.sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'core-runtime writer' AND state = 'active'",
        );
      }
    })();
    let sent = 0;
    const chain = async (writer: number) => {
      for (let [number, expect] = [0, 0]; number < 150; number++, sent++) {
        ({position: expect} = await journal.append(`s.${writer}`, [fact(number)], {expect}));
        await pause(5);
      }
    };
    await Promise.all(Array.from({length: 16}, (_, writer) => chain(writer)));
    end.abort();
    await cut;
    t.is(sent, 16 * 150);
    for (let writer = 0; writer < 16; writer++) {
      t.deepEqual(
        numbers(await all(journal.read(`s.${writer}`))),
        Array.from({length: 150}, (_, number) => number),
      );
    }
  });

  test('a follower elsewhere misses nothing, and sees positions rise', async t => {
    const place = server.place();
    const journals = await Promise.all([1, 2, 3].map(() => openPostgres(place, systemClock)));
    const [reader, ...writers] = journals;
    if (!reader) return t.fail();
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const {position} of reader.follow({after: 0, signal: stop.signal})) {
        if (seen.push(position) === 2 * 8 * 100) stop.abort();
      }
    })();
    await Promise.all(
      writers.flatMap(journal =>
        Array.from({length: 8}, async (_, writer) => {
          for (let number = 0; number < 100; number++) await journal.append(`s.${writer}`, [fact(number)]);
        }),
      ),
    );
    await following;
    t.deepEqual(
      seen,
      Array.from({length: 1600}, (_, index) => index + 1),
    );
    for (const journal of journals) await journal[Symbol.asyncDispose]();
  });

  test('what a core held that gives no sign of life is due again, once another is sure of that, and that core is told', async t => {
    const place = server.place();
    const still = new ManualClock(); // gives no sign of life before it is moved
    const [one, two] = [await openPostgres(place, still, 'one'), await openPostgres(place, systemClock, 'two')];
    const limits = {attempts: 3, deaths: 3};
    const id = randomUUIDv7();
    await one.work.enqueue({id, acceptedAt: 1, due: 1}, {facts: [fact(1)], payloads: [], most: 9});
    const [held] = await one.work.claim(1, limits);
    const lost: string[] = [];
    one.work.onLost(ids => lost.push(...ids));
    await server.sql(`UPDATE ${schemaOf(place)}.core SET until = 0 WHERE name = 'one'`);
    t.true(await two.cores.isAlive('one'), 'it may be coming back, as this one has just come');
    t.deepEqual(await two.work.claim(1, limits), []);
    while (await two.cores.isAlive('one')) await pause(100);
    for (let again = await two.work.claim(1, limits); ; again = await two.work.claim(1, limits)) {
      if (again.length > 0) t.like(again, [{id, epoch: 2, attempts: 2, deaths: 1}]);
      if (again.length > 0) break;
      await pause(100);
    }
    await still.advance(2500);
    while (lost.length === 0) await pause(20);
    t.deepEqual(lost, [id]);
    t.false(await one.work.settle({id, epoch: held?.epoch ?? 0}, {facts: [fact(2)]}));
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
  });

  test('a core that ends gives back what it holds at once', async t => {
    const place = server.place();
    const [one, two] = [await openPostgres(place, systemClock, 'one'), await openPostgres(place, systemClock, 'two')];
    const limits = {attempts: 3, deaths: 3};
    const id = randomUUIDv7();
    await one.work.enqueue({id, acceptedAt: 1, due: 1}, {facts: [fact(1)], payloads: [], most: 9});
    await one.work.claim(1, limits);
    await one[Symbol.asyncDispose]();
    t.false(await two.cores.isAlive('one'));
    t.like((await two.work.claim(1, limits))[0], {id, epoch: 2});
    await two[Symbol.asyncDispose]();
  });

  test('a core that stops waits a few seconds for a database that stands still, and no longer', async t => {
    const place = server.place();
    const journal = await openPostgres(place, systemClock);
    const id = randomUUIDv7();
    await journal.work.enqueue({id, acceptedAt: 1, due: 1}, {facts: [fact(1)], payloads: [], most: 9});
    await journal.work.claim(1, {attempts: 3, deaths: 3});
    const held = server.sql(`SELECT pg_advisory_lock(${lockOf(schemaOf(place) ?? '')}), pg_sleep(60)`).catch(() => {});
    const holders = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while ((await server.sql(`SELECT count(*) ${holders}`)) !== '1') await pause(20);
    const appended = t.throwsAsync(journal.append('a', [fact(2)]), {code: 'JOURNAL_FAILED'});
    const began = systemClock.monotonic();
    await journal[Symbol.asyncDispose]();
    t.true(systemClock.monotonic() - began < 6000, `${systemClock.monotonic() - began} ms`);
    await appended;
    await server.sql(`SELECT pg_terminate_backend(pid) ${holders}`);
    await held;
  });

  test('what may have been kept so long ago that the database has forgotten it is dropped and counted, not written again', async t => {
    const place = server.place();
    const clock = new ManualClock();
    const opening = openPostgres(place, clock);
    const shed: number[] = [];
    opening.meter.shed = (facts: number) => void shed.push(facts);
    await using journal = await opening;
    const schema = schemaOf(place);
    await server.sql(`CREATE SEQUENCE ${schema}.times; CREATE FUNCTION ${schema}.slow() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF nextval('${schema}.times') = 1 THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$;
      CREATE TRIGGER slow BEFORE INSERT ON ${schema}.fact FOR EACH ROW EXECUTE FUNCTION ${schema}.slow()`);
    journal.record('a', [fact(1), fact(2)]);
    const read = t.throwsAsync(journal.last('a'), {code: 'JOURNAL_FAILED'});
    const ours = `FROM pg_stat_activity WHERE query LIKE '%${schema}%' AND wait_event = 'PgSleep'`;
    while ((await server.sql(`SELECT count(*) ${ours}`)) !== '1') await pause(20);
    clock.setWall(clock.now() + 11 * 60_000);
    await server.sql(`SELECT pg_terminate_backend(pid) ${ours}`);
    await read;
    t.deepEqual(shed, [2]);
    t.is((await journal.append('b', [fact(3)])).position, 1);
  });

  test('a question that finds all connections busy is not left to wait until they are free', async t => {
    const place = server.place();
    const clock = new ManualClock();
    await using journal = await openPostgres(place, clock);
    await journal.append('a', [fact(1)]);
    const schema = schemaOf(place);
    const held = server.sql(`BEGIN; LOCK TABLE ${schema}.fact; SELECT pg_sleep(60) AS ${schema}`).catch(() => {});
    const ours = `FROM pg_stat_activity WHERE query LIKE '%${schema}%' AND pid <> pg_backend_pid()`;
    while ((await server.sql(`SELECT count(*) ${ours} AND wait_event = 'PgSleep'`)) !== '1') await pause(20);
    const asked = Promise.allSettled(Array.from({length: 10}, () => journal.last('a')));
    while ((await server.sql(`SELECT count(*) ${ours} AND wait_event_type = 'Lock'`)) !== '4') await pause(20);
    await clock.advance(10_000);
    await server.sql(`SELECT pg_terminate_backend(pid) ${ours} AND wait_event = 'PgSleep'`);
    const results = (await asked).map(result => (result.status === 'fulfilled' ? 'answered' : result.reason.code));
    t.deepEqual(results, [...Array.from({length: 4}, () => 'answered'), ...Array.from({length: 6}, () => 'JOURNAL_FAILED')]);
    await held;
    t.is((await journal.last('a'))?.position, 1);
  });
});
