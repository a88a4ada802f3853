import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import type net from 'node:net';
import test from 'ava';
import {type Bridge, rawRequest, token} from '../helpers/bridge.ts';
import {startPython} from '../helpers/python-suite.ts';

// What is special to Python's own server, by which the bridge is called where it is not on the channel.

const python = {title: 'python', binary: 'python3', isThree: true, hops: ['http'] as const};
const echo = 'def handle(event, context):\n    print("it ran")\n    return event\n';
const chunked = `POST / HTTP/1.1\r\nHost: x\r\nCore-Bridge-Token: ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`;

for (const size of ['-1', '-10', '+1', '0x1', ' 1', '1_0', '', 'g', '123456789']) {
  test.serial(`python: a chunk of ${JSON.stringify(size)} bytes is refused, and the next call is served`, async t => {
    const b = await startPython(t, python, echo);
    const reply = await exchange(b, `${chunked}${size}\r\n{"event":1}\r\n0\r\n\r\n`);
    t.regex(reply, /^HTTP\/1\.1 400 /);
    t.is((await b.call('next', {invocationId: 'next'})).text, '"next"');
    await b.until(() => b.logs.length > 0);
    t.is(b.logs[0]?.invocationId, 'next');
    await isIdle(b);
  });
}

const malformed: Record<string, [request: string, status: number]> = {
  'a trailer without an end': [`${chunked}0\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(600)}`, 400],
  'a length that is negative': [rawRequest('{}').replace('Content-Length: 2', 'Content-Length: -2'), 400],
  'a length beside chunks': [chunked.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\n0\r\n\r\n'), 400],
  'a coding that is not known': [chunked.replace('chunked', 'gzip, chunked'), 400],
  'a line that is not a request': ['nonsense\r\n\r\n', 400],
  'a head without an end': [`POST / HTTP/1.1\r\nX: ${'y'.repeat(70_000)}`, 431],
};

for (const [kind, [request, status]] of Object.entries(malformed)) {
  test.serial(`python: ${kind} is refused, and the next call is served`, async t => {
    const b = await startPython(t, python, echo);
    t.regex(await exchange(b, request), new RegExp(`^(HTTP/1\\.[01] ${status}|${status}) `));
    t.is((await b.call('next')).text, '"next"');
    await isIdle(b);
  });
}

test.serial('python: a request that breaks off is not run', async t => {
  const b = await startPython(t, python, echo);
  for (const request of [rawRequest('{"event":1}').slice(0, -1), `${chunked}b\r\n{"event"`]) {
    const socket = b.connect();
    socket.end(request);
    await once(socket.resume(), 'close');
  }
  t.is((await b.call('next', {invocationId: 'next'})).text, '"next"');
  await b.until(() => b.logs.length > 0);
  t.is(b.logs[0]?.invocationId, 'next');
});

test.serial('python: every reply names its call, refusals too', async t => {
  const b = await startPython(t, python, echo);
  const named = (body: string, id: string) => rawRequest(body).replace('\r\n', `\r\nCore-Invocation-Id: ${id}\r\n`);
  const last = named('{"event":2}', 'third').replace('\r\n', '\r\nConnection: close\r\n');
  const replies = await exchange(b, named('{"event":1}', 'first') + named('7', 'second') + last);
  t.deepEqual(
    [...replies.matchAll(/Core-Invocation-Id: (\w+)\r\n/g)].map(([, id]) => id),
    ['first', 'second', 'third'],
  );
});

test.serial('python: an async call whose connection is closed is cancelled, and settled when it is over', async t => {
  const b = await startPython(
    t,
    python,
    `import asyncio
async def handle(event, context):
    try:
        print("running")
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)
        print("cancelled")
`,
  );
  const socket = b.connect();
  socket.write(rawRequest('{"event":{},"context":{"invocationId":"left"}}'));
  await b.until(() => b.logs.length === 1);
  socket.destroy();
  await b.until(() => b.records.some(record => (record as {settled?: string}).settled === 'left')); // one JSON object each
  t.deepEqual(b.logs.map(({line}) => line).slice(0, 2), ['running', 'cancelled']);
});

test.serial('python: a SIGTERM that comes right after a reply stops the bridge, however its threads are about to wait', async t => {
  for (let i = 0; i < 15; i++) {
    const b = await startPython(t, python, `${i % 3 === 0 ? 'async ' : ''}${echo}`);
    await b.call({});
    b.child.kill('SIGTERM');
    b.letGo();
    t.is(await b.exited, 0);
  }
});

async function exchange(b: Bridge, request: string): Promise<string> {
  const socket: net.Socket = b.connect();
  socket.on('error', () => {}); // it may be closed before all of the request was written
  socket.write(request);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}

/** Half a second in which nobody calls costs no processor time. */
async function isIdle(b: Bridge): Promise<void> {
  const used = () => {
    const fields = readFileSync(`/proc/${b.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]); // ticks of 10 ms
  };
  const before = used();
  await new Promise(resolve => setTimeout(resolve, 300));
  if (used() - before > 10) throw new Error(`${used() - before} ticks of 30 were used`);
}
