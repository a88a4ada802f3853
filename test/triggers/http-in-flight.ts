import test from 'ava';
import {openHttp as open} from '../helpers/http-trigger.ts';

const head = (path: string, fields = '') => `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const statuses = (replies: readonly {status: number}[]) => replies.map(({status}) => status);
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

test('a declared length that does not fit in the bytes in flight is refused before a byte of it is read', async t => {
  const {connect, runs, budget} = await open(t, undefined);
  const holding = connect();
  await holding.write(head('/holding', 'Content-Length: 900\r\n'));
  while (budget.heldBytes === 0) await pause(5);
  const refused = connect();
  await refused.write(head('/refused', 'Expect: 100-continue\r\nContent-Length: 101\r\n'));
  const [reply] = await refused.rest();
  t.is(reply?.status, 503);
  t.is(reply?.field('core-error'), 'INFLIGHT_FULL');
  t.regex(reply?.field('retry-after') ?? '', /^[1-9]\d?$/);
  t.notRegex(refused.received.toString(), /100 Continue/);
  const fitting = connect();
  await fitting.write(`${head('/fitting', 'Content-Length: 50\r\nConnection: close\r\n')}${'x'.repeat(50)}`);
  t.deepEqual(statuses(await fitting.rest()), [200]);
  await holding.write('x'.repeat(900));
  t.deepEqual(statuses(await holding.replies(1)), [200]);
  t.deepEqual(runs, ['/fitting', '/holding']);
});

test('a chunked body is refused when it passes, and frees what it held', async t => {
  const {connect, runs} = await open(t, undefined, {inflightBytes: 100});
  for (let round = 0; round < 3; round++) {
    const wire = connect();
    await wire.write(`${head('/chunked', 'Transfer-Encoding: chunked\r\n')}40\r\n${'x'.repeat(64)}\r\n40\r\n${'x'.repeat(64)}\r\n`);
    t.deepEqual(statuses(await wire.rest()), [503]);
  }
  const wire = connect();
  await wire.write(`${head('/fits', 'Connection: close\r\nTransfer-Encoding: chunked\r\n')}40\r\n${'x'.repeat(64)}\r\n0\r\n\r\n`);
  t.deepEqual(statuses(await wire.rest()), [200]);
  t.deepEqual(runs, ['/fits']);
});

test('a client that leaves frees what its body held', async t => {
  const {connect} = await open(t);
  const leaving = connect();
  await leaving.write(`${head('/leaving', 'Content-Length: 1000\r\n')}x`);
  await pause(20);
  leaving.socket.resetAndDestroy();
  for (let status: number | undefined = 503; status === 503; ) {
    const wire = connect();
    await wire.write(`${head('/whole', 'Content-Length: 500\r\nConnection: close\r\n')}${'x'.repeat(500)}`);
    status = (await wire.rest())[0]?.status; // 503 until it is seen that the other has left
    t.true(status === 503 || status === 200);
  }
});

test('a body counts as what it becomes in JSON, until its invocation is over', async t => {
  const gate = Promise.withResolvers<string>();
  const {connect, runs} = await open(t, ({path}) => (path === '/first' ? gate.promise : 'ran'));
  const first = connect();
  await first.write(`${head('/first', 'Content-Length: 400\r\n')}${'x'.repeat(400)}`);
  while (runs.length === 0) await pause(5);
  const second = connect();
  await second.write(`${head('/second', 'Content-Length: 201\r\n')}${'x'.repeat(201)}`);
  t.deepEqual(statuses(await second.rest()), [503]);
  gate.resolve('done');
  t.deepEqual(statuses(await first.replies(1)), [200]);
  const third = connect();
  await third.write(`${head('/third', 'Content-Length: 900\r\n')}${'x'.repeat(900)}`);
  t.deepEqual(statuses(await third.replies(1)), [200], 'one that is alone always fits');
  t.deepEqual(runs, ['/first', '/third']);
});

test('heads that are not whole count as bytes in flight: past them the longest is refused', async t => {
  const {connect, runs} = await open(t, undefined, {inflightBytes: 100_000});
  const shorter = connect();
  await shorter.write(`GET /shorter HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(45_000)}`);
  const longest = connect();
  await longest.write(`GET /longest HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(60_000)}`);
  const [refused] = await longest.rest();
  t.is(refused?.status, 503);
  t.is(refused?.field('core-error'), 'INFLIGHT_FULL');
  t.regex(refused?.field('retry-after') ?? '', /^[1-9]\d?$/);
  await shorter.write('\r\n\r\n');
  t.deepEqual(statuses(await shorter.replies(1)), [200]);
  await shorter.write(`${head('/body', 'Content-Length: 1000\r\n')}${'x'.repeat(1000)}`);
  t.deepEqual(statuses(await shorter.replies(2)), [200, 200], 'neither a head nor a body that is whole stays counted');
  await shorter.write(`GET /shorter HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(99_000)}\r\n\r\n`);
  t.deepEqual(statuses(await shorter.replies(3)), [200, 200, 200]);
  t.deepEqual(runs, ['/shorter', '/body', '/shorter']);
});

test('a large head counts while its body is received', async t => {
  const {connect, runs} = await open(t, undefined, {inflightBytes: 100_000});
  const large = `X: ${'x'.repeat(60_000)}\r\nContent-Length: 10\r\n`;
  const holding = connect();
  await holding.write(head('/holding', large));
  let refused: readonly {status: number}[] = [];
  while (refused[0]?.status !== 503) {
    const wire = connect();
    await wire.write(`${head('/other', `${large}Connection: close\r\n`)}0123456789`);
    refused = await wire.rest(); // served, as long as the other head is not read
  }
  await holding.write('0123456789');
  t.deepEqual(statuses(await holding.replies(1)), [200]);
  t.is(runs.at(-1), '/holding');
});

test('a large head counts as a body does, once it is an event', async t => {
  const gate = Promise.withResolvers<string>();
  const {connect, runs} = await open(t, ({path}) => (path === '/first' ? gate.promise : 'ran'), {inflightBytes: 20_100});
  const first = connect();
  await first.write(`${head('/first', 'Content-Length: 900\r\n')}${'x'.repeat(900)}`);
  while (runs.length === 0) await pause(5);
  const refused = connect();
  await refused.write(head('/fields'));
  t.deepEqual(statuses(await refused.replies(1)), [503]);
  gate.resolve('done');
  await first.replies(1);
  await refused.write(head('/fields'));
  t.deepEqual(statuses(await refused.replies(2)), [503, 200], 'its request was complete: the connection serves on');
});
