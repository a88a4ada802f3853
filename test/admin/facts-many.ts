import {subscribe, unsubscribe} from 'node:diagnostics_channel';
import type http from 'node:http';
import test from 'ava';
import {mostReaders} from '../../src/admin/reading/readers.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import {openPrivate} from '../helpers/admin.ts';
import {settle} from '../helpers/clock.ts';
import {fact, listen, unread, until} from '../helpers/fact-readers.ts';
import {ask} from '../helpers/request.ts';

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
