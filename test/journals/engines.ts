import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {JournalRefused} from '../../src/journals/engine.ts';
import {journalForms, journalHelp, locationOf, readPlace} from '../../src/journals/index.ts';
import {openJournal} from '../../src/journals/open.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {fact} from '../helpers/journal-suite.ts';
import {retention} from '../helpers/sqlite-journal.ts';

const house = () => ({clock: new ManualClock(), log: recordingLog(), meter: recordingMeter()});

test('a location that no engine serves, or that names no place, is refused', t => {
  for (const location of [
    '',
    ':',
    'sqlite',
    'sqlite:',
    'memory',
    'memory:x',
    'SQLITE:x',
    'toString:',
    '__proto__:x',
    '/var/facts.db',
    ...badDatabases,
  ]) {
    t.is(readPlace(location), undefined, location);
  }
});

const badDatabases = [
  'nats:',
  'nats://',
  'nats://host',
  'nats:host/shop',
  'nats://host/shop/x',
  'postgres:',
  'postgres://',
  'postgres://host',
  'postgres://host/',
  'postgres:/host/db',
  'postgres://host/db?schema=',
  'postgres://host/db?schema=Shop',
  'postgres://host/db?schema=pg_catalog',
  `postgres://host/db?schema=${'a'.repeat(51)}`,
];

test('a location is written without its password', t => {
  const place = readPlace('postgresql://core:s3cret@db:5432/jobs?schema=shop&password=s3cret&sslmode=require');
  t.is(place && locationOf(place), 'postgres://core@db:5432/jobs?schema=shop&sslmode=require');
});

test('a location is read, and written as it was', t => {
  for (const location of [
    'memory:',
    'sqlite:/var/facts.db',
    'sqlite:/var/with:colon.db',
    'postgres://core@db/jobs?schema=shop',
    'nats://a:4222,b:4222/shop',
  ]) {
    const place = readPlace(location);
    t.is(place && locationOf(place), location);
  }
});

test('messages and help name every engine', t => {
  t.regex(journalForms, /^sqlite:<path>(,| or) .*\bmemory:/);
  t.regex(journalHelp, /^sqlite:<path>, memory: \(/);
});

test('what an engine promises is what its receipts say', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  for (const location of ['memory:', `sqlite:${folder}/journal.db`]) {
    const {engine} = readPlace(location) ?? {};
    if (!engine) throw new TypeError(`Expected an engine for ${location}`);
    const {journal, isDurable, can, cores} = await openJournal({location, fallback: undefined, mustLast: true, retention}, house());
    await using _closed = journal;
    const {durability} = await journal.append('a', [fact(1)]);
    t.is(durability, can.durability, location);
    t.is(isDurable, durability !== 'buffered', location);
    t.is(cores.leaseMs > 0, engine.isShared, location);
    t.is(can.synced, durability === 'buffered' ? 'no' : 'seen', location);
  }
});

test('a default journal that cannot be opened is replaced by memory, unless something relies on it', async t => {
  const engine = {
    form: 'toy:<place>',
    doc: '',
    note: '',
    remedy: 'Give it another place',
    isShared: true,
    placeOf: (text: string) => text,
    open: () => Promise.reject(new JournalRefused('held', 'it is held by process 7')),
  };
  const wish = {location: undefined, fallback: {engine, place: 'here'}, retention};
  await t.throwsAsync(openJournal({...wish, mustLast: true}, house()), {
    message: /^CORE_JOURNAL: .*here` cannot be opened: it is held by process 7\. Give it another place$/,
  });
  const rooms = house();
  const opened = await openJournal({...wish, mustLast: false}, rooms);
  t.false(opened.isDurable);
  t.is(opened.cores.leaseMs, 0);
  t.deepEqual(
    rooms.log.lines.map(({level, fields}) => [level, fields.cause]),
    [['warn', 'it is held by process 7']],
  );
});
