import {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import type {SqliteJournal} from '../../src/journals/sqlite/journal.ts';
import {verifySqlite} from '../../src/journals/sqlite/verify.ts';
import {ManualClock} from '../helpers/clock.ts';
import {all, fact, numbers} from '../helpers/journal-suite.ts';
import {hour, newFile, openFile} from '../helpers/sqlite-journal.ts';

const week = 7 * 24 * hour;

const fired = (occurrence: string, invocationId: string): Fact => ({
  type: 'schedule.fired',
  data: {name: 'a', occurrence, cron: '* * * * *', timezone: 'UTC', invocationId, attempt: 1, core: 'c'},
});
const accepted: Fact = {type: 'invocation.accepted', data: {source: 'cron:a', bytes: 0, attempt: 1}};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};
const stream = (hours: number) => `schedule.a.2026-01-01T0${hours}:00:00Z`;

/** An occurrence as a core keeps it, up to what its core lived to keep. */
async function occurrence(journal: SqliteJournal, hours: number, facts: readonly Fact[] = [accepted, settled]): Promise<void> {
  await journal.append(stream(hours), [fired(`2026-01-01T0${hours}:00:00Z`, `i${hours}`)]);
  for (const each of facts) await journal.append(`invocation.i${hours}`, [each]);
}

/** Lets time pass until everything was swept that will be. */
async function swept(journal: SqliteJournal, clock: ManualClock): Promise<void> {
  await journal.append('runtime.swept', [fact(0)]);
  await clock.advance(2 * week);
  await journal.append('runtime.newest', [fact(0)]);
  while ((await journal.last('runtime.swept')) !== undefined) await clock.advance(60_000);
}

async function open(t: ExecutionContext, keep = {}) {
  const clock = new ManualClock();
  const file = await newFile(t);
  const opening = openFile(file, clock, keep);
  const journal = await opening;
  t.teardown(() => journal[Symbol.asyncDispose]());
  return {clock, file, journal, log: opening.log};
}

test('the end of the newest occurrence stays as long as its claim: it is not taken for one that never ended', async t => {
  const {clock, file, journal} = await open(t);
  await occurrence(journal, 1);
  await occurrence(journal, 2);
  await swept(journal, clock);
  t.is(await journal.last(stream(1)), undefined);
  t.is(await journal.last('invocation.i1'), undefined, 'its claim has gone, too');
  t.is((await journal.last(stream(2)))?.fact.type, 'schedule.fired');
  t.is((await journal.last('invocation.i2'))?.fact.type, 'invocation.settled');

  await occurrence(journal, 3);
  await swept(journal, clock);
  t.is(await journal.last(stream(2)), undefined);
  t.is(await journal.last('invocation.i2'), undefined, 'once a newer one stands for the schedule');
  t.is((await journal.last('invocation.i3'))?.fact.type, 'invocation.settled');
  t.deepEqual(verifySqlite(file).problems, []);
});

test('the claim of an occurrence that is not over stays: it is delivered again', async t => {
  for (const keep of [{}, {maxBytes: 1}]) {
    const {clock, journal} = await open(t, keep);
    await occurrence(journal, 1, []);
    await occurrence(journal, 2, [accepted]);
    await occurrence(journal, 3);
    await swept(journal, clock);
    t.deepEqual(
      (await all(journal.scan('schedule.'))).map(recorded => recorded.stream),
      [stream(1), stream(2), stream(3)],
    );
    await journal.append('invocation.i1', [settled]);
    await journal.append('invocation.i2', [settled]);
    await swept(journal, clock);
    t.deepEqual(
      (await all(journal.scan('schedule.'))).map(recorded => recorded.stream),
      [stream(3)],
    );
  }
});

test('a damaged pack stays and is logged; the others are removed', async t => {
  const {clock, file, journal, log} = await open(t);
  await journal.append('runtime.a', [fact(1)]);
  await journal.append('runtime.b', [fact(2)]);
  await journal.append('runtime.c', [fact(3)]);
  await journal.append('runtime.newest', [fact(4)]);
  const other = new DatabaseSync(file);
  other.exec("UPDATE pack SET body = x'00' WHERE last = 2");
  other.close();
  await clock.advance(2 * week);
  while (!JSON.stringify(log.lines).includes('they are damaged')) await clock.advance(60_000);
  const left = new DatabaseSync(file, {readOnly: true});
  const lasts = left.prepare('SELECT last FROM pack WHERE last < 4').all();
  left.close();
  t.deepEqual(
    lasts.map(({last}) => last),
    [2],
  );
});

test('removing that fails removes nothing, and is as fatal as any write that fails', async t => {
  const {clock, file, journal, log} = await open(t);
  for (let number = 1; number <= 3; number++) await journal.append(`runtime.${number}`, [fact(number)]);
  const other = new DatabaseSync(file);
  other.exec('PRAGMA busy_timeout = 10000'); // the journal is opened again meanwhile
  other.exec("CREATE TRIGGER refuse BEFORE DELETE ON pack WHEN old.last = 2 BEGIN SELECT raise(FAIL, 'disk on fire'); END");
  await clock.advance(2 * week);
  while (!JSON.stringify(log.lines).includes('nothing is acknowledged')) await clock.advance(60_000);
  t.is(Number(other.prepare('SELECT count(*) AS n FROM pack WHERE last < 4').get()?.n), 3);
  other.exec('DROP TRIGGER refuse');
  other.close();
  // It was opened again beside another program that writes, in vain perhaps: then it is tried a second later.
  const isWritten = () =>
    journal.append('runtime.4', [fact(4)]).then(
      () => true,
      () => false,
    );
  while (!(await isWritten())) await clock.advance(1000);
  t.regex(JSON.stringify(log.lines), /is written again/, 'by another handle');
});

test('payloads go after their time, facts later, and what must stay stays', async t => {
  const clock = new ManualClock();
  const file = await newFile(t);
  await using journal = await openFile(file, clock);
  const payloads = [{name: 'p', bytes: Buffer.from('x')}];
  journal.record('invocation.old', [fact(1)], payloads);
  await journal.append('schedule.a.2026-01-01T00:00:00.000Z', [fact(2)]);
  await journal.append('schedule.a.2026-01-01T01:00:00.000Z', [fact(3)]);
  await journal.append('invocation.open', [fact(4)]);
  await journal.append('runtime.x', [fact(5)]);
  await clock.advance(25 * hour);
  while ((await journal.payload('p')) !== undefined);
  const others = (await all(journal.scan(''))).filter(recorded => recorded.stream !== 'journal'); // it tells the shredding, in its time
  t.is(others.length, 5);
  while ((await journal.last('journal')) === undefined) await clock.advance(60_000);
  t.is((await journal.last('journal'))?.fact.type, 'payload.shredded');
  await clock.advance(7 * 24 * hour);
  await journal.append('runtime.y', [fact(6)]);
  while ((await journal.last('invocation.old')) !== undefined) await clock.advance(60_000);
  while ((await journal.last('runtime.x')) !== undefined) await clock.advance(60_000);
  t.deepEqual(numbers(await all(journal.scan('schedule.'))), [3]);
  t.deepEqual(numbers(await all(journal.read('invocation.open'))), [4], 'it is not over: it may have to run again');
  t.deepEqual(verifySqlite(file).problems, []);
  t.true((await journal.append('runtime.y', [fact(7)])).position > 6);
});

test('past its size the oldest facts are removed before their time', async t => {
  const clock = new ManualClock();
  const file = await newFile(t);
  await using journal = await openFile(file, clock, {maxBytes: 2 ** 18});
  for (let number = 0; number < 60; number++) {
    const name = `p${number}`;
    await journal.append(`runtime.${number}`, [{type: 'runtime.ready', data: {bootMs: 1, loaded: false, error: noise(8000)}}], {
      payloads: [{name, bytes: Buffer.alloc(4000)}],
    });
  }
  await clock.advance(60_000);
  while ((await journal.last('runtime.20')) !== undefined) await clock.advance(60_000);
  t.is(await journal.payload('p59'), undefined, 'payloads go first');
  t.not(await journal.last('runtime.59'), undefined);
  t.deepEqual(verifySqlite(file).problems, []);
});

/** Text that does not compress. */
const noise = (length: number) => Array.from({length}, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('');
