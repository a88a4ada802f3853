import test from 'ava';
import {type Clock, systemClock} from '../../src/clock.ts';
import {openHttp as open} from '../helpers/http-trigger.ts';

const head = (path: string, fields = '') => `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const statuses = (replies: readonly {status: number}[]) => replies.map(({status}) => status);
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** Then what never comes whole is refused; nothing else would end these tests. */
const impatient = {headersTimeout: 200, requestTimeout: 400};

const late: [title: string, sent: string, drip: string, expected: number[]][] = [
  ['a connection that says nothing', '', '', [408]],
  ['half a head', 'GET / HTTP/1.1\r\nHost', '', [408]],
  ['a head that drips', 'GET / HTTP/1.1\r\nX: ', 'x', [408]],
  ['a declared body that stops', `${head('/late', 'Content-Length: 10\r\n')}abc`, '', [408]],
  ['a declared body that drips', head('/late', 'Content-Length: 900\r\n'), 'x', [408]],
  ['a chunked body that stops', `${head('/late', 'Transfer-Encoding: chunked\r\n')}3\r\nabc\r\n`, '', [408]],
  ['a chunked body that drips', head('/late', 'Transfer-Encoding: chunked\r\n'), '1\r\nx\r\n', [408]],
  ['half a head after a request', `${head('/first')}GET / HTTP/1.1\r\nHost`, '', [200, 408]],
];
for (const [title, sent, drip, expected] of late) {
  test(`408 for ${title}, within the time, and nothing of it runs`, async t => {
    const {connect, runs} = await open(t, undefined, impatient);
    const wire = connect();
    await wire.write(sent);
    const dripping = setInterval(() => drip && wire.socket.writable && wire.socket.write(drip), 15);
    const replies = await wire.rest();
    clearInterval(dripping);
    t.deepEqual(statuses(replies), expected);
    t.is(replies.at(-1)?.field('connection'), 'close');
    t.is(replies.at(-1)?.field('core-error'), 'REQUEST_TIMEOUT');
    t.deepEqual(runs, expected.length > 1 ? ['/first'] : []);
  });
}

test('a body that stops behind a slow request is refused after the answer to that request', async t => {
  const {connect, runs} = await open(
    t,
    async () => {
      await pause(900);
      return 'slow';
    },
    impatient,
  );
  const wire = connect();
  await wire.write(`${head('/slow')}${head('/late', 'Content-Length: 10\r\n')}abc`);
  const replies = await wire.rest();
  t.deepEqual(statuses(replies), [200, 408]);
  t.is(replies[0]?.body.toString(), 'slow');
  t.deepEqual(runs, ['/slow']);
});

for (const [title, sent] of [
  ['a declared body', `${head('/gone', 'Content-Length: 10\r\n')}abc`],
  ['a chunked body', `${head('/gone', 'Transfer-Encoding: chunked\r\n')}3\r\nabc\r\n`],
  ['a body that it was asked for', head('/gone', 'Expect: 100-continue\r\nContent-Length: 3\r\n')],
  ['a declared body behind an offer to upgrade', `${head('/gone', 'Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 10\r\n')}abc`],
  [
    'a chunked body behind an offer to upgrade',
    `${head('/gone', 'Connection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n')}3\r\nab`,
  ],
  ['its head', 'POST /gone HTTP/1.1\r\nHost: a\r\n'],
] as const) {
  for (const leave of ['ends', 'resets'] as const) {
    test(`nothing runs for a client that ${leave} in ${title}`, async t => {
      const {connect, runs} = await open(t);
      const wire = connect();
      await wire.write(sent);
      await pause(20);
      if (leave === 'ends') wire.socket.end();
      else wire.socket.resetAndDestroy();
      if (leave === 'ends') t.deepEqual(statuses(await wire.rest()), [400]);
      const other = connect();
      await other.write(head('/other', 'Connection: close\r\n'));
      t.deepEqual(statuses(await other.rest()), [200]);
      t.deepEqual(runs, ['/other']);
    });
  }
}

test('a client that resets an idle connection does not count as a request', async t => {
  const {connect, meter} = await open(t);
  const wire = connect();
  await wire.write(head('/one'));
  await wire.replies(1);
  wire.socket.resetAndDestroy();
  await pause(50);
  t.is(meter.calls.filter(([name]) => name === 'faulted').length, 0);
});

test('an idle connection is kept as long as the setting says, and a header says so to the client', async t => {
  const {connect} = await open(t, undefined, {keepAliveMs: 2_000_000});
  const wire = connect();
  await wire.write(head('/one'));
  const [reply] = await wire.replies(1);
  t.is(reply?.field('keep-alive'), 'timeout=2000');
  const short = await open(t, undefined, {keepAliveMs: 1});
  const closing = short.connect();
  await closing.write(head('/one'));
  t.deepEqual(statuses(await closing.rest()), [200], 'the server closes it');
});

test('OPTIONS * has the fields of CORS, as every answer', async t => {
  const {connect} = await open(t);
  const wire = connect();
  await wire.write('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
  const [reply] = await wire.replies(1);
  t.is(reply?.field('access-control-allow-origin'), '*');
  t.is(reply?.field('access-control-allow-headers'), 'Content-Type');
});

test('a refused client that stays is parted from', async t => {
  const {connect} = await open(t);
  for (const bytes of ['GARBAGE\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const wire = connect();
    wire.socket.removeAllListeners('end'); // it does not end its own side
    const closed = new Promise(resolve => wire.socket.once('close', resolve));
    await wire.write(bytes);
    await wire.replies(1);
    const writing = setInterval(() => wire.socket.write('x'), 50);
    await closed;
    clearInterval(writing);
    t.pass();
  }
});

test('a client that resets its connection behind CONNECT ends nothing', async t => {
  const {connect} = await open(t);
  for (let time = 0; time < 20; time++) {
    const wire = connect();
    await wire.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
    setImmediate(() => wire.socket.resetAndDestroy());
    await wire.closed;
  }
  const wire = connect();
  await wire.write(head('/after'));
  t.deepEqual(statuses(await wire.replies(1)), [200]);
});

test('requests in flight on one connection are all answered while the port closes', async t => {
  const started: (() => void)[] = [];
  const {connect, stop} = await open(t, () => new Promise<string>(resolve => started.push(() => resolve('done'))));
  const wire = connect();
  await wire.write(['/one', '/two', '/three'].map(path => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  while (started.length < 3) await pause(5);
  const stopped = stop();
  for (const finish of started) finish();
  const replies = await wire.rest();
  t.deepEqual(statuses(replies), [200, 200, 200]);
  t.deepEqual(
    replies.map(reply => reply.field('connection')),
    ['keep-alive', 'keep-alive', 'close'],
  );
  await stopped;
});

test('the port stays open for a last call, even with no client connected', async t => {
  const lastCall = Promise.withResolvers<boolean>();
  const clock: Clock = {...systemClock, sleep: (ms, signal) => (ms === 500 ? lastCall.promise : systemClock.sleep(ms, signal))};
  const {connect, stop, url} = await open(t, () => 'late', {clock});
  const stopped = stop();
  await pause(20);
  for (const path of ['/one', '/two']) {
    const wire = connect();
    await wire.write(head(path));
    const [reply] = await wire.rest();
    t.is(reply?.status, 200);
    t.is(reply?.field('connection'), 'close');
  }
  lastCall.resolve(true);
  await stopped;
  await t.throwsAsync(fetch(url), undefined, 'the port is closed');
});

test('a client that connected just before the port closed is answered', async t => {
  const sleeps: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      if (ms !== 500) return systemClock.sleep(ms, signal); // it looks again and again until nothing is left to wait for
      return new Promise(resolve => {
        sleeps.push(() => resolve(true));
        signal?.addEventListener('abort', () => resolve(false));
      });
    },
  };
  const {connect, stop, url} = await open(t, () => 'late', {clock});
  const idle = connect();
  await idle.write(head('/before'));
  await idle.replies(1);
  const wire = connect();
  await wire.write(''); // connected
  const stopped = stop();
  while (sleeps.length < 1) await pause(5);
  sleeps[0]?.();
  while (sleeps.length < 2) await pause(5);
  await t.throwsAsync(fetch(url), undefined, 'the port is closed');
  await wire.write(head('/late'));
  const [reply] = await wire.rest();
  t.is(reply?.status, 200);
  t.is(reply?.field('connection'), 'close');
  sleeps[1]?.();
  t.deepEqual(statuses(await idle.rest()), [200]);
  await stopped;
});
