import {subscribe, unsubscribe} from 'node:diagnostics_channel';
import http from 'node:http';
import {connect, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {mostReaders} from '../../src/admin/reading/readers.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import {openPrivate} from '../helpers/admin.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {ask} from '../helpers/request.ts';

const fact = (durationMs: number, code = ''): Fact => ({
  type: 'invocation.settled',
  data: {outcome: 'responded', status: 200, durationMs, code: code as never},
});

/** An event stream and what came of it. */
async function listen(t: ExecutionContext, url: string, headers: Record<string, string> = {}) {
  const request = http.get(url, {headers: {Accept: 'text/event-stream', ...headers}, agent: false});
  request.on('error', () => {});
  t.teardown(() => void request.destroy());
  const response = await new Promise<http.IncomingMessage>(resolve => request.once('response', resolve));
  let text = '';
  response.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  const ended = new Promise<void>(resolve => response.once('close', resolve));
  response.on('error', () => {});
  return {request, response, ended, text: () => text, positions: () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))};
}

/** Moves the clock on in steps until it is so. */
async function until(clock: ManualClock, isSo: () => boolean, stepMs = 50): Promise<void> {
  while (!isSo()) {
    await clock.advance(stepMs);
    await settle();
  }
}

/** Connections that ask and never read. */
async function unread(t: ExecutionContext, url: string, count: number, head: string): Promise<Socket[]> {
  const port = Number(new URL(url).port);
  return Promise.all(
    Array.from(
      {length: count},
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => socket.write(head, () => resolve(socket)));
          socket.once('error', reject).pause();
          t.teardown(() => void socket.destroy());
        }),
    ),
  );
}

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

test('a limited number of callers read at a time; others get 503 and when to come again', async t => {
  const {url, meter} = await openPrivate(t);
  const streams = await Promise.all(Array.from({length: mostReaders}, () => listen(t, `${url}/api/facts`)));
  for (const path of ['/api/facts', '/api/invocations', '/api/invocations/x']) {
    const answer = await ask(url + path);
    t.is(answer.status, 503, path);
    t.is(answer.field('retry-after'), '5');
    t.is(answer.json().error.code, 'TOO_MANY_READERS');
  }
  t.is((await ask(`${url}/readyz`)).status, 200);
  t.is((await ask(`${url}/metrics`)).status, 200);
  t.deepEqual(meter.calls.filter(([name]) => name === 'readerRefused').length, 3);
  streams[0]?.request.destroy();
  for (;;) if ((await ask(`${url}/api/facts`)).status === 200) break;
  t.pass();
});

test('a thousand connections that ask for facts and read nothing hold little, and are cut off', async t => {
  const {url, clock, journal, budget, meter} = await openPrivate(t);
  for (let count = 1; count <= 3000; count++) journal.record('invocation.x', [fact(count, 'x'.repeat(1000))]);
  const heads = ['', 'Accept: text/event-stream\r\n'].map(field => `GET /api/facts HTTP/1.1\r\nHost: 127.0.0.1\r\n${field}\r\n`);
  const sockets = (await Promise.all(heads.map(head => unread(t, url, 500, head)))).flat();
  const most = mostReaders * 2 ** 21 + 2 ** 21;
  for (let step = 0; step < 100; step++) {
    await clock.advance(50);
    t.true(budget.heldBytes <= most, `${budget.heldBytes}`);
  }
  const refused = () => meter.calls.filter(([name]) => name === 'readerRefused').map(([, reason]) => reason);
  await until(clock, () => refused().includes('full'));
  for (const socket of sockets) socket.destroy();
  const readers = () => meter.calls.findLast(([name]) => name === 'readers')?.[1];
  await until(clock, () => budget.heldBytes === 0 && readers() === 0);
  t.pass();
});

test('callers that leave before their page is read cost no reading, and hold nothing afterwards', async t => {
  const {url, clock, journal, budget, meter} = await openPrivate(t);
  journal.record('invocation.x', [fact(1, 'x'.repeat(1000))]);
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const {scan} = journal;
  journal.scan = async function* (...given) {
    asked++;
    await gate.promise;
    yield* scan.apply(journal, given);
  };
  const readers = () => meter.calls.findLast(([name]) => name === 'readers')?.[1];
  const sockets = await unread(t, url, mostReaders, 'GET /api/facts HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await until(clock, () => asked === 1 && readers() === mostReaders);
  for (const socket of sockets) socket.destroy();
  await until(clock, () => readers() === 0);
  gate.resolve();
  let status: number | undefined;
  void ask(`${url}/api/facts`).then(answer => {
    status = answer.status;
  });
  await until(clock, () => status !== undefined);
  t.is(status, 200);
  t.is(asked, 2);
  await until(clock, () => readers() === 0);
  t.is(budget.heldBytes, 0);
});

for (const path of ['/api/facts', '/api/invocations', '/api/invocations/x']) {
  test(`the answer of ${path} is charged until it has left`, async t => {
    const {url, clock, journal, budget} = await openPrivate(t);
    journal.record('invocation.x', [{type: 'invocation.accepted', data: {}} as unknown as Fact, fact(1, 'x'.repeat(1000))]);
    const charged: number[] = [];
    const {add} = budget;
    budget.add = (kind, bytes) => {
      if (kind === 'reply') charged.push(bytes);
      add.call(budget, kind, bytes);
    };
    let length: number | undefined;
    void ask(url + path).then(answer => {
      length = Buffer.byteLength(answer.text());
    });
    await until(clock, () => length !== undefined && budget.heldBytes === 0);
    t.deepEqual(charged, [length ?? 0, -(length ?? 0)]);
  });
}

test('a stream that is not read is cut off after half a minute', async t => {
  const {url, clock, journal, budget, meter} = await openPrivate(t);
  const [socket] = await unread(t, url, 1, 'GET /api/facts HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n');
  const isCut = () => meter.calls.some(([name, reason]) => name === 'readerRefused' && reason === 'slow');
  while (!isCut()) {
    for (let count = 0; count < 100; count++) journal.record('invocation.x', [fact(count, 'x'.repeat(10_000))]);
    await clock.advance(1000);
  }
  await until(clock, () => budget.heldBytes === 0);
  socket?.resume();
  await new Promise<void>(resolve => (socket?.closed ? resolve() : socket?.once('close', () => resolve())));
  t.deepEqual(
    meter.calls.findLast(([name]) => name === 'readers'),
    ['readers', 0],
  );
});

test('a page ends with a mebibyte, and the next one goes on', async t => {
  const {url, clock, journal} = await openPrivate(t);
  for (let count = 1; count <= 300; count++) journal.record('invocation.x', [fact(count, 'x'.repeat(10_000))]);
  const seen: number[] = [];
  for (let after = 0; ; ) {
    const answer = ask(`${url}/api/facts?after=${after}`);
    let text: string | undefined;
    void answer.then(got => {
      text = got.text();
    });
    await until(clock, () => text !== undefined);
    t.true((text?.length ?? 0) < 2 ** 20 + 20_000);
    const positions = (text ?? '')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line).position);
    if (positions.length === 0) break;
    seen.push(...positions);
    after = positions.at(-1);
  }
  t.deepEqual(
    seen,
    Array.from({length: 300}, (_, index) => index + 1),
  );
});

test('thousands of requests in one packet are answered one after another', async t => {
  let asked = 0;
  const gate = Promise.withResolvers<void>();
  const readiness = async () => {
    asked++;
    await gate.promise;
    return {ready: true, phase: 'ready'} as const;
  };
  const {url} = await openPrivate(t, {readiness});
  let made = 0;
  subscribe('http.server.request.start', count);
  t.teardown(() => void unsubscribe('http.server.request.start', count));
  function count(message: unknown) {
    if ((message as {request: http.IncomingMessage}).request.headers.host === 'packet') made++;
  }
  const [socket] = await unread(t, url, 1, 'GET /readyz HTTP/1.1\r\nHost: packet\r\n\r\n'.repeat(2000));
  while (asked === 0) await settle();
  for (let turn = 0; turn < 20; turn++) await settle();
  t.is(asked, 1);
  t.true(made <= 2, `${made} requests are objects`);
  gate.resolve();
  let text = '';
  socket?.on('data', chunk => {
    text += chunk;
  });
  socket?.resume();
  while (text.split('HTTP/1.1 200').length - 1 < 2000) await settle();
  t.is(asked, 2000);
});

test('a journal that fails ends the streams, and a new one is served once it works again', async t => {
  const {url, clock, journal, log} = await openPrivate(t);
  const {ended, text} = await listen(t, `${url}/api/facts`);
  const {scan} = journal;
  journal.scan = () => {
    throw new Fault('JOURNAL_FAILED');
  };
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await until(clock, () => isOver);
  t.is(text(), ': facts\n\n');
  t.true(log.lines.some(({level, fields}) => level === 'warn' && fields.code === 'JOURNAL_FAILED'));
  journal.scan = scan;
  journal.record('invocation.x', [fact(1)]);
  const again = await listen(t, `${url}/api/facts`);
  await until(clock, () => again.positions().length === 1);
  t.pass();
});
