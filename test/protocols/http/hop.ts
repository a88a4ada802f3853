import {once} from 'node:events';
import net, {type AddressInfo, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {PassingHop} from '../../../protocols/http/hop.ts';
import type {CallEnd} from '../../../src/hop/hop.ts';
import type {PassedReply, PassedRequest} from '../../../src/passing.ts';
import {NotSent, type RuntimeCall} from '../../../src/runtime.ts';
import {ManualClock} from '../../helpers/clock.ts';
import {freePort} from '../../helpers/port.ts';

/* The way to a server, with a server that a test holds in its hands. */

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

/** A connection as the server sees it. */
class Caught {
  readonly socket: Socket;
  received = '';
  packets = 0;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', bytes => {
      this.received += bytes.toString('latin1');
      this.packets++;
    });
    socket.once('close', () => {
      this.isClosed = true;
    });
  }
}

async function openServer(t: ExecutionContext, answers: (caught: Caught) => void) {
  const caught: Caught[] = [];
  const server = net.createServer(socket => {
    const one = new Caught(socket);
    caught.push(one);
    socket.on('data', () => answers(one));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new ManualClock();
  const {port} = server.address() as AddressInfo;
  const hop = openHop(port, clock);
  t.teardown(() => {
    for (const {socket} of caught) socket.destroy();
    server.close();
  });
  return {hop, clock, caught};
}

const openHop = (port: number, clock: ManualClock) =>
  new PassingHop({host: '127.0.0.1', port, connections: 2, maxReplyBytes: 100_000, bridgeToken: 'secret'}, clock);

const request: PassedRequest = {
  method: 'GET',
  target: '/a',
  headers: ['Host', 'b'],
  body: undefined,
  open: undefined,
  credential: undefined,
};

function call(clock: ManualClock, event: Partial<PassedRequest> = {}, more: Partial<RuntimeCall> = {}): RuntimeCall {
  const deadline = clock.monotonic() + 10_000;
  return {
    invocationId: 'id',
    event: {...request, ...event},
    deadlineMs: 5,
    deadline,
    timeoutMs: 10_000,
    signal: undefined,
    trace: undefined,
    ...more,
  };
}

/** Sends a call. @returns what came back, and how it ended */
async function send(hop: PassingHop, one: RuntimeCall): Promise<{reply: PassedReply; end: CallEnd}> {
  const {promise, resolve} = Promise.withResolvers<CallEnd>();
  const reply = await hop.send(one, resolve, () => {});
  return {reply, end: await promise};
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(resolve => setImmediate(resolve));
};

test('a port that nobody listens on has not got the call', async t => {
  const clock = new ManualClock();
  const hop = openHop(await freePort(), clock);
  const ends: CallEnd[] = [];
  await t.throwsAsync(
    hop.send(
      call(clock),
      end => ends.push(end),
      () => {},
    ),
    {instanceOf: NotSent},
  );
  t.like(ends, [{mayRun: false, broke: true, byHost: false}]);
});

test('a request leaves in one packet, with what the core says of it', async t => {
  const {hop, clock, caught} = await openServer(t, ({socket}) => socket.write(ok));
  const trace = {traceparent: '00-1-2-01', tracestate: 'a=b'};
  const {reply} = await send(hop, call(clock, {method: 'POST', body: Buffer.from('gr\xfc\xdfe', 'latin1')}, {trace}));
  t.is(
    caught[0]?.received,
    'POST /a HTTP/1.1\r\nHost: b\r\ntraceparent: 00-1-2-01\r\ntracestate: a=b\r\n' +
      'Core-Invocation-Id: id\r\nCore-Deadline-Ms: 5\r\nCore-Bridge-Token: secret\r\nConnection: keep-alive\r\n\r\ngr\xfc\xdfe',
  );
  t.is(caught[0]?.packets, 1);
  t.like(reply, {status: 200, reason: 'OK', passed: ['Content-Length', '2']});
  t.is(String(reply.body), 'hi');
});

test('a request without a body says so where its method has one; a state of the trace with control characters stays behind', async t => {
  const {hop, clock, caught} = await openServer(t, ({socket}) => socket.write(ok));
  await send(hop, call(clock, {method: 'PUT'}, {trace: {traceparent: 't', tracestate: 'a=b\r\nX: y'}}));
  t.true(caught[0]?.received.includes('\r\nContent-Length: 0\r\n'));
  t.false(caught[0]?.received.includes('X: y'));
});

test('a connection is used again, for 1.5 s', async t => {
  const {hop, clock, caught} = await openServer(t, ({socket}) => socket.write(ok));
  await send(hop, call(clock));
  await clock.advance(1499);
  await send(hop, call(clock));
  t.is(caught.length, 1);
  await clock.advance(1500);
  await send(hop, call(clock));
  t.is(caught.length, 2);
  await until(() => caught[0]?.isClosed === true);
  await clock.advance(2500);
  await until(() => caught[1]?.isClosed === true);
  await clock.advance(10_000);
  t.is(clock.pending, 0);
});

test('a connection is not used again when the server says how soon it closes it, when it has closed it, or when more came', async t => {
  const answers = [
    'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi',
    `${ok}HTTP/1.1 `,
    ok,
    ok,
  ];
  const {hop, clock, caught} = await openServer(t, ({socket}) => socket.write(answers.shift() ?? ok));
  for (let at = 0; at < 3; at++) {
    t.is(String((await send(hop, call(clock))).reply.body), 'hi');
    await until(() => caught[at]?.isClosed === true);
  }
  await send(hop, call(clock));
  caught[3]?.socket.end();
  await until(() => caught[3]?.isClosed === true);
  await send(hop, call(clock));
  t.is(caught.length, 5);
  caught[4]?.socket.write('HTTP/1.1 200 Late\r\nContent-Length: 0\r\n\r\n');
  await until(() => caught[4]?.isClosed === true);
  t.is((await send(hop, call(clock))).reply.reason, 'OK');
});

test('no more connections than calls at a time are kept', async t => {
  const {hop, clock, caught} = await openServer(t, () => {});
  const calls = Array.from({length: 4}, () => send(hop, call(clock)));
  await until(() => caught.length === 4 && caught.every(({packets}) => packets > 0));
  for (const {socket} of caught) socket.write(ok);
  await Promise.all(calls);
  await until(() => caught.filter(({isClosed}) => isClosed).length === 2);
  t.is(caught.filter(({isClosed}) => !isClosed).length, 2);
});

test('a call on a connection that was used before is not sent twice when that breaks off', async t => {
  let isFirst = true;
  const {hop, clock, caught} = await openServer(t, ({socket}) => {
    if (isFirst) socket.write(ok);
    else socket.resetAndDestroy();
    isFirst = false;
  });
  await send(hop, call(clock));
  const ends: CallEnd[] = [];
  await t.throwsAsync(
    hop.send(
      call(clock),
      end => ends.push(end),
      () => {},
    ),
    {code: 'UPSTREAM_LOST'},
  );
  t.is(caught.length, 1);
  t.like(ends, [{mayRun: true, sentWhole: true, broke: true, answered: false}]);
});

test('an answer that is wanted whole is gathered within its bound, and its connection goes on', async t => {
  const body = 'x'.repeat(99_000);
  let bytes = 99_000;
  const {hop, clock, caught} = await openServer(t, ({socket}) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n${body}`),
  );
  t.is(String((await send(hop, call(clock))).reply.body), body);
  t.is(String((await send(hop, call(clock))).reply.body), body);
  t.is(caught.length, 1);
  bytes = 200_000;
  const lost = send(hop, call(clock));
  await until(() => caught[0]?.packets === 3);
  caught[0]?.socket.write(body);
  await t.throwsAsync(lost, {code: 'UPSTREAM_PROTOCOL'});
});

test('an answer whose reader is slow waits, and the next one on its connection does not', async t => {
  const body = 'x'.repeat(500_000);
  const {hop, clock, caught} = await openServer(t, ({socket, packets}) => {
    socket.write(packets === 1 ? `HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n${body}` : ok);
  });
  const {promise, resolve} = Promise.withResolvers<CallEnd>();
  const {stream} = (await hop.send(call(clock, {}, {streams: {idleMs: 9000, timeoutMs: 9000}}), resolve, () => {})) as PassedReply;
  if (!stream) throw new Error('Expected a stream');
  stream.keep(10);
  let heldBytes = 0;
  stream.take({
    piece(bytes) {
      heldBytes += bytes.length;
    },
    over: () => {},
  });
  await until(() => heldBytes >= 256 * 1024);
  for (let turns = 0; turns < 100; turns++) await new Promise(resolve => setImmediate(resolve));
  t.true(heldBytes <= 256 * 1024 + 65_536);
  stream.passed(heldBytes);
  await until(() => heldBytes === 500_000);
  t.like(await promise, {answered: true, isOver: true});
  t.is(String((await stream.ended).kept), 'x'.repeat(10));
  t.is((await send(hop, call(clock))).reply.status, 200);
  t.is(caught.length, 1);
});

test('a deadline ends a call whose server has answered others, and leaves alone the one that may be blocked', async t => {
  let isAnswering = false;
  const {hop, clock, caught} = await openServer(t, ({socket}) => isAnswering && socket.write(ok));
  const ends: CallEnd[] = [];
  const late = () =>
    t.throwsAsync(
      hop.send(
        call(clock),
        end => ends.push(end),
        () => {},
      ),
      {code: 'UPSTREAM_TIMEOUT'},
    );
  const blocked = late();
  await until(() => caught[0]?.packets === 1);
  await clock.advance(10_000);
  await blocked;
  t.deepEqual(ends, []);
  const other = late();
  await until(() => caught[1]?.packets === 1);
  await clock.advance(1);
  isAnswering = true;
  await send(hop, call(clock));
  await clock.advance(10_000);
  await other;
  await until(() => caught[1]?.isClosed === true);
  t.like(ends, [{mayRun: true, isOver: true, answered: false}]);
  caught[0]?.socket.write(ok);
  await until(() => ends.length === 2);
  t.like(ends[1], {answered: true, isOver: true});
});
