import {mkdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import {RetentionClock, unseenMs} from '../../src/journals/sqlite/clock.ts';
import {writeLine} from '../../src/journals/sqlite/line.ts';
import {SqliteStore} from '../../src/journals/sqlite/store.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fact} from '../helpers/journal-suite.ts';
import {hour, newFile, openFile, retention} from '../helpers/sqlite-journal.ts';

const day = 24 * hour;
const start = Date.UTC(2026, 0, 1);

/** A core that writes a fact with a payload each hour, for so many hours, and removes what is old a minute before each. */
function run(file: string, from: number, hours: number, name: string) {
  mkdirSync(dirname(file), {recursive: true});
  using store = new SqliteStore(file);
  const clock = new RetentionClock();
  for (let each = 0; each < hours; each++) {
    const now = from + each * hour;
    const stream = `runtime.${name}-${each}`;
    store.commit([{stream, text: writeLine(stream, now, fact(each)), count: 1, payloads: [{name: stream, bytes: Buffer.from('x')}]}], now);
    const later = now + hour - 60_000;
    const at = clock.at(later, later - from, store.unseenMs(later));
    for (let after: number | undefined = 0; after !== undefined; ) after = store.sweep(retention, at, after).next;
  }
  const db = new DatabaseSync(file, {readOnly: true});
  const numbers = (what: string) =>
    db
      .prepare(what)
      .all()
      .map(row => String(row.name).slice('runtime.'.length));
  const kept = {facts: numbers('SELECT name FROM stream ORDER BY last'), payloads: numbers('SELECT name FROM payload ORDER BY id')};
  db.close();
  return kept;
}

const names = (name: string, from: number, to: number) => Array.from({length: to - from}, (_, index) => `${name}-${from + index}`);

for (const aheadMs of [day, 40 * day, 400 * day]) {
  test(`starts with a clock that is ${aheadMs / day} days ahead remove nothing; the right clock goes on removing what is old`, async t => {
    const file = await newFile(t);
    run(file, start, 20, 'right');
    for (let restart = 0; restart < 3; restart++) {
      const ahead = run(file, start + 20 * hour + aheadMs + restart * hour, 1, `ahead${restart}`);
      const all = [...names('right', 0, 20), ...names('ahead0', 0, 1), ...names('ahead1', 0, 1), ...names('ahead2', 0, 1)];
      t.deepEqual(ahead.facts, all.slice(0, 21 + restart));
      t.deepEqual(ahead.payloads, all.slice(0, 21 + restart));
    }
    const right = run(file, start + 21 * hour, 40, 'again');
    t.deepEqual(right.payloads, [...names('ahead0', 0, 1), ...names('ahead1', 0, 1), ...names('ahead2', 0, 1), ...names('again', 16, 40)]);
    t.true(right.facts.includes('right-0'));
  });
}

test('a clock that says the same for more than a day is believed', async t => {
  const file = await newFile(t);
  run(file, start, 20, 'right');
  const early = run(file, start + 40 * day, 20, 'early');
  t.is(early.facts.length, 40);
  const later = run(file, start + 40 * day + 20 * hour, 8, 'later');
  t.deepEqual(later.facts, [...names('early', 0, 20), ...names('later', 0, 8)]);
});

test('a clock that leaps while the core runs removes nothing, and the log says so', async t => {
  const clock = new ManualClock(start);
  const opening = openFile(await newFile(t), clock);
  await using journal = await opening;
  await journal.append('runtime.old', [fact(1)], {payloads: [{name: 'p', bytes: Buffer.from('x')}]});
  await journal.append('runtime.newest', [fact(2)]);
  clock.setWall(start + 40 * day);
  while (!opening.log.lines.some(({message}) => message.includes('kept for one day more'))) {
    await clock.advance(60_000);
    await journal.append('runtime.newest', [fact(3)]);
  }
  await clock.advance(10 * 60_000);
  t.not(await journal.payload('p'), undefined);
  t.not(await journal.last('runtime.old'), undefined);
});

test('an idle core removes what is old in its time', async t => {
  const file = await newFile(t);
  const clock = new ManualClock(start);
  await using journal = await openFile(file, clock);
  await journal.append('runtime.old', [fact(1)], {payloads: [{name: 'p', bytes: Buffer.from('x')}]});
  await clock.advance(day + 120_000);
  while ((await journal.payload('p')) !== undefined) await clock.advance(60_000);
  t.pass();
});

/** What went unseen up to an hour, in hours, when facts were written at these. */
function unseen(t: ExecutionContext, at: readonly number[], now: number): number {
  const db = new DatabaseSync(':memory:');
  t.teardown(() => db.close());
  db.exec('CREATE TABLE pack(at INTEGER); CREATE INDEX pack_at ON pack(at)');
  for (const each of at) db.prepare('INSERT INTO pack VALUES(?)').run(start + each * hour);
  return unseenMs(db, start + now * hour) / hour;
}

const table: [title: string, at: number[], now: number, hours: number][] = [
  ['nothing was ever written', [], 0, 0],
  ['something was, a moment ago', [0], 0.1, 0],
  ['facts each half hour', Array.from({length: 200}, (_, index) => index / 2), 99.5, 0],
  ['a gap up to now', [0, 0.5], 20, 19.5],
  ['a gap that began long ago', [0], 1000, 1000],
  ['a gap that ended within the day', [0, 1000], 1010, 1010],
  ['a gap that ended more than a day ago', [0, 1000, ...Array.from({length: 31}, (_, index) => 1000 + index)], 1030, 0],
  ['several gaps', [0, 5, 5.5, 10], 10.5, 9.5],
  ['facts of a time to come', [0, 0.5, 5000], 1, 0],
  ['only facts of a time to come', [5000], 1, 0],
];
for (const [title, at, now, hours] of table) test(`what nobody saw: ${title}`, t => t.is(unseen(t, at, now), hours));

test('time in which the process ran counts, with any clock and any facts', t => {
  const clock = new RetentionClock();
  t.is(clock.at(1000 * hour, 0, 900 * hour), 100 * hour, 'at the start only what was seen');
  t.is(clock.at(1010 * hour, 10 * hour, 910 * hour), 110 * hour);
  t.is(clock.at(1030 * hour, 30 * hour, 0), 1030 * hour, 'the clock is believed');
  t.is(clock.at(50 * hour, 31 * hour, 0), 50 * hour, 'never more than the clock says');
});
