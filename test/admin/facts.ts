import test from 'ava';
import {openPrivate} from '../helpers/admin.ts';
import {ManualClock} from '../helpers/clock.ts';
import {fact, listen, until} from '../helpers/fact-readers.ts';
import {ask} from '../helpers/request.ts';

test('a stream gives the facts after a position, in pages first, then new ones, each once and in order', async t => {
  const {url, clock, journal} = await openPrivate(t);
  for (let count = 1; count <= 2500; count++) journal.record(count % 2 ? 'invocation.x' : 'runtime.y', [fact(count)]);
  const all = await listen(t, `${url}/api/facts?after=10`);
  const some = await listen(t, `${url}/api/facts?stream=runtime.`, {'Last-Event-ID': '2000'});
  await until(clock, () => all.positions().length === 2490);
  for (let count = 2501; count <= 2510; count++) journal.record(count % 2 ? 'invocation.x' : 'runtime.y', [fact(count)]);
  await until(clock, () => all.positions().length === 2500 && some.positions().length === 255);
  t.deepEqual(
    all.positions(),
    Array.from({length: 2500}, (_, index) => index + 11),
  );
  t.deepEqual(
    some.positions(),
    Array.from({length: 255}, (_, index) => 2 * index + 2002),
  );
});

test('a stream that has nothing to tell says so every 15 s, so that proxies keep it', async t => {
  const {url, clock, journal} = await openPrivate(t);
  const {text} = await listen(t, `${url}/api/facts?stream=runtime.`);
  const comments = () => text().split(': no news\n\n').length - 1;
  await until(clock, () => text() === ': facts\n\n', 0);
  await clock.advance(14_000);
  t.is(comments(), 0);
  journal.record('invocation.x', [fact(1)]); // not of this stream
  await until(clock, () => comments() === 1);
  t.true(clock.monotonic() >= 15_000 && clock.monotonic() < 17_000);
  await until(clock, () => comments() === 2);
  t.true(clock.monotonic() >= 30_000 && clock.monotonic() < 33_000);
});

test('a stream of a browser ends when it is signed out or its session is over: no later fact is on it', async t => {
  const clock = new ManualClock();
  const {url, journal} = await openPrivate(t, {token: 'secret', clock});
  const signIn = async () => {
    const answer = await ask(`${url}/api/session`, {method: 'POST', body: '{"token": "secret"}'});
    return {cookie: answer.field('set-cookie').split(';', 1)[0] ?? ''};
  };
  const out = await signIn();
  const streams = await Promise.all([
    listen(t, `${url}/api/facts`, out),
    listen(t, `${url}/api/invocations/live`, out),
    listen(t, `${url}/api/facts`, await signIn()),
    listen(t, `${url}/api/facts`, {authorization: 'Bearer secret'}),
  ]);
  const [facts, live, expiring, program] = streams;
  const record = () => journal.record('invocation.x', [fact(1)]);
  record();
  await until(clock, () => streams.every(each => each.text().includes('data:')));
  t.is((await ask(`${url}/api/session`, {method: 'DELETE', headers: out})).status, 204);
  record();
  await until(clock, () => facts.response.closed && live.response.closed && expiring.positions().length === 2);
  clock.setWall(clock.now() + 12 * 3_600_000);
  record();
  await until(clock, () => expiring.response.closed && program.positions().length === 3);
  t.deepEqual([facts.positions(), expiring.positions()], [[1], [1, 2]]);
  t.is(live.text().split('data:').length, 2);
  t.true(
    [facts, live, expiring].every(each => each.response.complete),
    'each ended, none was cut',
  );
});

test('a quiet stream of a browser that was signed out ends within 15 s', async t => {
  const clock = new ManualClock();
  const {url} = await openPrivate(t, {token: 'secret', clock});
  const answer = await ask(`${url}/api/session`, {method: 'POST', body: '{"token": "secret"}'});
  const headers = {cookie: answer.field('set-cookie').split(';', 1)[0] ?? ''};
  const {response} = await listen(t, `${url}/api/facts`, headers);
  await ask(`${url}/api/session`, {method: 'DELETE', headers});
  await until(clock, () => response.closed);
  t.true(clock.monotonic() <= 16_000);
});

test('the journal is asked for new facts once, however many streams are open, and not at all when none is', async t => {
  const {url, clock, journal} = await openPrivate(t);
  let asked = 0;
  const {scan} = journal;
  journal.scan = (...given) => {
    asked++;
    return scan.apply(journal, given);
  };
  const streams = await Promise.all(Array.from({length: 10}, () => listen(t, `${url}/api/facts`)));
  await clock.advance(2000);
  t.true(asked <= 11, `${asked}`);
  for (const {request} of streams) request.destroy();
  await until(clock, () => clock.pending === 0);
  const before = asked;
  await clock.advance(2000);
  t.is(asked, before);
});
