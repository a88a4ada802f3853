import test from 'ava';
import {JournalDamaged} from '../../src/journal.ts';
import {guardOf, lastOf, messageOf, readFacts, writeGroups} from '../../src/journals/nats/message.ts';
import {parsePlace, placeShown, placeWith} from '../../src/journals/nats/place.ts';
import {Reading} from '../../src/journals/nats/reading.ts';
import {problemOf, type StreamConfig} from '../../src/journals/nats/stream.ts';
import {subjectsOf} from '../../src/journals/nats/subjects.ts';
import {durabilityOf} from '../../src/journals/nats/synced.ts';
import type {Transport} from '../../src/journals/nats/transport.ts';
import {isOlder} from '../../src/journals/nats/version.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fact} from '../helpers/journal-suite.ts';

/* What the NATS engine decides without servers. With servers: test/full/nats-*.ts. */

test('a place without servers, without an application or with an unknown parameter is refused', t => {
  for (const place of [
    '',
    '//',
    '//a:4222',
    '//a:4222/',
    '///shop',
    '//a:4222,/shop',
    '//a b/shop',
    '//a:x/shop',
    '//a/shop.x',
    '//a/shop/x',
    '//a/shop?more=1',
    '//a/shop?tls=off',
    '//a/shop?cert=/etc/a.pem',
  ]) {
    t.is(parsePlace(place), undefined, place);
  }
});

test('a place names servers and an application; what is secret is not shown', t => {
  const place = '//ann:p%40ss@a:4223,b,[::1]:4224/shop?synced=asserted';
  t.deepEqual(parsePlace(place), {
    hosts: ['a:4223', 'b:4222', '[::1]:4224'],
    application: 'shop',
    user: 'ann',
    password: 'p@ss',
    token: undefined,
    credentials: undefined,
    tls: undefined,
    synced: 'asserted',
  });
  t.like(parsePlace('//t0k3n@a/shop?tls=required'), {user: undefined, token: 't0k3n', tls: {}});
  t.deepEqual(parsePlace('//a/shop?ca=/etc/ca.pem&cert=/etc/a.pem&key=/etc/a.key')?.tls, {
    ca: '/etc/ca.pem',
    cert: '/etc/a.pem',
    key: '/etc/a.key',
  });
  t.is(placeShown(place), '//a:4223,b:4222,[::1]:4224/shop');
  t.like(parsePlace(placeWith(place, {credentials: '/run/a.creds', synced: 'http://a:8222'})), {
    credentials: '/run/a.creds',
    synced: 'asserted',
  });
});

const good: StreamConfig = {
  subjects: ['core.shop.>'],
  storage: 'file',
  num_replicas: 3,
  retention: 'limits',
  discard: 'new',
  max_bytes: 2 ** 30,
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: -1,
  allow_direct: true,
  allow_atomic: true,
  allow_msg_ttl: true,
  allow_rollup_hdrs: true,
  duplicate_window: 120e9,
  republish: {src: 'core.shop.j.>', dest: 'corefeed.shop.>'},
};

test('a stream that may forget what is not over, or acknowledge what is not kept, is refused', t => {
  for (const [wrong, rule] of [
    [{discard: 'old'}, /discard old: new/],
    [{max_age: 1e9}, /max_age/],
    [{max_msgs: 100}, /max_msgs 100/],
    [{max_msgs_per_subject: 1}, /max_msgs_per_subject 1/],
    [{persist_mode: 'async'}, /persist_mode async: default/],
    [{subject_delete_marker_ttl: 1e9}, /subject_delete_marker_ttl/],
    [{sealed: true}, /sealed/],
    [{storage: 'memory'}, /storage memory: file/],
    [{retention: 'workqueue'}, /retention workqueue: limits/],
    [{allow_atomic: false}, /allow_atomic false: true/],
    [{duplicate_window: 1e9}, /duplicate_window 1s: 2m/],
    [{subjects: ['core.other.>']}, /subjects core\.other\.>/],
    [{republish: {src: '>', dest: 'x.>'}}, /republish/],
  ] as const) {
    t.regex(problemOf({...good, ...wrong}, good) ?? 'nothing', rule);
  }
  t.is(problemOf(good, good), undefined);
  t.is(problemOf({...good, max_bytes: 2 ** 40, num_replicas: 5}, good), undefined, 'its size and its replicas may be others');
});

test('only three copies that sync each write promise to survive the loss of a machine', t => {
  t.is(durabilityOf(1, 'no'), 'process');
  t.is(durabilityOf(3, 'no'), 'process');
  t.is(durabilityOf(1, 'seen'), 'fsync');
  t.is(durabilityOf(2, 'asserted'), 'fsync');
  t.is(durabilityOf(3, 'seen'), 'replicated');
  t.is(durabilityOf(5, 'asserted'), 'replicated');
});

test('a server older than what is needed is known by its version, whatever stands behind it', t => {
  for (const version of ['2.15.2', 'v2.14.10', '1.99.99', '2.15.0-RC.1']) t.true(isOlder(version), version);
  for (const version of ['2.15.3', '2.15.10', '2.16.0-dev', '3.0.0', 'nightly', '']) t.false(isOlder(version), version);
});

test('a position in the middle of a message is the revision of no stream', t => {
  t.is(guardOf(-1), undefined);
  t.is(guardOf(lastOf(7) - 1), undefined);
  t.is(guardOf(lastOf(7) + 1), undefined);
  t.is(guardOf(0), 0);
  t.is(guardOf(lastOf(7)), 7);
  t.is(messageOf(lastOf(7)), 7);
  t.is(messageOf(lastOf(6) + 1), 7);
});

const kept = (sequence: number, body: Uint8Array) => ({subject: '', sequence, storedAt: 9, appendId: '', field: () => '', body});

test('a message that is not what was written is damage', t => {
  t.throws(() => readFacts(kept(7, Buffer.from('x'))), {instanceOf: JournalDamaged, message: /7/});
});

test('facts come back with their places, in order, of one stream or of many', t => {
  const groups = [
    ['a', 5, [fact(1), fact(2)]],
    ['é\0', 6, [fact(3)]],
  ] as const;
  t.deepEqual(readFacts(kept(7, writeGroups(groups))), [
    {stream: 'a', position: lastOf(7) - 2, at: 5, storedAt: 9, fact: fact(1)},
    {stream: 'a', position: lastOf(7) - 1, at: 5, storedAt: 9, fact: fact(2)},
    {stream: 'é\0', position: lastOf(7), at: 6, storedAt: 9, fact: fact(3)},
  ]);
});

test('every name of a stream is a subject of its own, and a prefix finds it', t => {
  const subjects = subjectsOf('shop');
  const names = ['a', 'A', 'a.b', 'a..b', '.a', 'a.', '', '%', 'a%b', 'a*', 'a.>', 'a b', 'a\0', 'é', 'invocation', 'a$b', '\ud800'];
  t.is(new Set(names.map(subjects.of)).size, names.length);
  for (const name of names) {
    t.regex(subjects.of(name), /^core\.shop\.j\.f(\.[\w%-]+)+$/, name);
    for (let end = 0; end <= name.length; end++) {
      const root = subjects.below(name.slice(0, end)).slice(0, -1);
      t.true(subjects.of(name).startsWith(root), `${name}: ${root}`);
    }
  }
  t.throws(() => subjects.of('x'.repeat(1025)), {instanceOf: RangeError});
});

test('invocations share 65,536 subjects, however many there are', t => {
  const subjects = subjectsOf('shop');
  t.regex(subjects.of('invocation.01a2068b-f0ed-7c75-9692-646cebce9a7c'), /^core\.shop\.j\.f\.invocation\.[\da-f]{4}$/);
  t.is(subjects.below('invocation.01a2'), 'core.shop.j.f.invocation.>');
  t.is(subjects.below('schedule.hourly.2026'), 'core.shop.j.f.schedule.hourly.>');
});

test('what is older than what is looked for is not waited for, as it is from a copy that is behind', async t => {
  const time = '2026-01-01T00:00:00Z';
  const message = {subject: 'core.shop.j.f.log.0000', seq: 7, time};
  const transport = {
    request: async () => ({subject: '', reply: '', code: 0, field: () => '', body: Buffer.from(JSON.stringify({message}))}),
    gather: () => Promise.reject(new TypeError('Expected nothing to be read')),
  } as unknown as Transport; // as far as it is used
  const patience = {clock: new ManualClock(), closing: new AbortController().signal};
  const reading = new Reading(transport, subjectsOf('shop'), patience);
  const since = Date.parse(time) + 1;
  t.deepEqual(await Array.fromAsync(reading.walk({of: message.subject, from: 1, since})), []);
  const until = {sequence: 7, storedAt: Date.parse(time)};
  t.deepEqual(await Array.fromAsync(reading.walk({of: message.subject, from: 1, since, until})), []);
});
