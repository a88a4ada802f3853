import {once} from 'node:events';
import http, {type IncomingMessage, type ServerResponse} from 'node:http';
import net, {type AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {openFront} from '../../../src/dev/several/front.ts';
import {refusingPort} from '../../helpers/port.ts';
import {ask} from '../../helpers/request.ts';

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** A front with the function `api`, whose core is this server. Its URL. */
async function frontOf(t: ExecutionContext, serve: Serve): Promise<string> {
  const core = http.createServer(serve).listen(0, '127.0.0.1');
  await once(core, 'listening');
  t.teardown(() => core.closeAllConnections());
  t.teardown(() => core.close());
  const {port} = core.address() as AddressInfo; // a TCP server has an AddressInfo
  return frontBefore(t, async () => ({host: '127.0.0.1', port}));
}

async function frontBefore(t: ExecutionContext, reach: () => Promise<{host: string; port: number} | {problem: string}>): Promise<string> {
  const listed = [{name: 'api', url: 'http://localhost/api', state: 'serving', console: 'http://127.0.0.1/functions/api'}] as const;
  const functions = {names: ['api'], isAlone: false, listed, find: () => ({name: 'api', reach})};
  const front = await openFront({host: '127.0.0.1', port: 0, functions});
  t.teardown(() => front[Symbol.asyncDispose]());
  return `http://127.0.0.1:${front.port}`;
}

/** Answers with what it got. */
const echo: Serve = async (request, response) => {
  const chunks = await Array.fromAsync(request);
  const {method, url, rawHeaders} = request;
  response.end(JSON.stringify({method, url, rawHeaders, body: Buffer.concat(chunks).toString('base64')}));
};

/** The bytes of one connection; what the front has answered when it closes it. */
async function exchange(url: string, bytes: string): Promise<string> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes, 'latin1');
  let answer = '';
  for await (const chunk of socket) answer += chunk.toString('latin1');
  return answer;
}

test('a path that names no function is refused, with those that there are', async t => {
  const answer = await ask(`${await frontOf(t, echo)}/nothing/x`);
  t.is(answer.status, 404);
  t.is(answer.text(), 'No function `nothing`: expected /api/\n');
});

test('a function that does not run is refused, with the reason', async t => {
  const answer = await ask(`${await frontBefore(t, async () => ({problem: 'no such file'}))}/api`);
  t.is(answer.status, 503);
  t.is(answer.text(), 'The function api is not running: no such file\n');
});

test('a core that does not answer is a bad gateway', async t => {
  const port = await refusingPort(t);
  const answer = await ask(`${await frontBefore(t, async () => ({host: '127.0.0.1', port}))}/api`, {method: 'POST', body: 'x'});
  t.is(answer.status, 502);
  t.regex(answer.text(), /^The core of the function api did not answer: connect ECONNREFUSED/);
});

test('a core that breaks off before its answer is a bad gateway', async t => {
  const url = await frontOf(t, request => request.socket.destroy());
  t.is((await ask(`${url}/api`)).status, 502);
});

test('an answer that breaks off is broken off, too', async t => {
  const url = await frontOf(t, (request, response) => {
    response.writeHead(200, {'Content-Length': '10'});
    response.write('half', () => request.socket.destroy());
  });
  await t.throwsAsync(ask(`${url}/api`));
});

test('a WebSocket is refused', async t => {
  const url = await frontOf(t, echo);
  const answer = await exchange(url, 'GET /api HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n');
  t.regex(answer, /^HTTP\/1\.1 501 [\s\S]*WebSockets are not served/);
});

test('an upgrade to HTTP/2 is passed over', async t => {
  const url = await frontOf(t, echo);
  const head = 'Host: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\nContent-Length: 2\r\n';
  const answer = await exchange(url, `POST /api HTTP/1.1\r\n${head}\r\nhi`);
  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.regex(answer, /"body":"aGk="/);
  t.notRegex(answer, /HTTP2-Settings/);
});

test('the list takes no POST', async t => {
  const answer = await ask(await frontOf(t, echo), {method: 'POST', body: 'x'});
  t.is(answer.status, 405);
  t.is(answer.field('allow'), 'GET, HEAD');
});

test('the list is at /, as its reader wants it', async t => {
  const url = await frontOf(t, echo);
  t.regex((await ask(url)).text(), /^api +http/);
  const page = await ask(url, {headers: {Accept: 'text/html'}});
  t.is(page.field('content-type'), 'text/html; charset=utf-8');
  t.regex(page.field('content-security-policy'), /default-src 'none'/);
});

test('a request arrives as it was sent, without its prefix and without what ends at a hop', async t => {
  const url = await frontOf(t, echo);
  const fields = ['Host', 'example.test', 'X-Twice', 'a', 'x-twice', 'b', 'Connection', 'X-Hop', 'X-Hop', '1', 'TE', 'trailers'];
  const {method, url: target, rawHeaders} = (await ask(`${url}/api/x%20y?a=1&a=2`, {method: 'DELETE', headers: fields})).json();
  t.is(`${method} ${target}`, 'DELETE /x%20y?a=1&a=2');
  t.deepEqual(rawHeaders, ['Host', 'example.test', 'X-Twice', 'a', 'x-twice', 'b', 'Connection', 'keep-alive']);
});

for (const [title, chunked] of [
  ['whose length is declared', false],
  ['in chunks', true],
] as const) {
  test(`a body ${title} arrives byte for byte`, async t => {
    const body = Buffer.from(Array.from({length: 100_000}, (_, at) => (at * 7) % 256));
    const got = (await ask(`${await frontOf(t, echo)}/api`, {method: 'POST', body, chunked})).json();
    t.true(Buffer.from(got.body, 'base64').equals(body));
    t.is(got.rawHeaders.includes('Content-Length'), !chunked);
  });
}

test('a request over HTTP/1.0, which has no Host, reaches the core with one', async t => {
  const answer = await exchange(await frontOf(t, echo), 'GET /api/x HTTP/1.0\r\n\r\n');
  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.regex(answer, /"rawHeaders":\["Host","localhost"/);
});

test('a request over HTTP/1.1 without Host is left to the core, which refuses it', async t => {
  const answer = await exchange(await frontOf(t, echo), 'GET /api/x HTTP/1.1\r\nConnection: close\r\n\r\n');
  t.regex(answer, /^HTTP\/1\.1 400 /);
});

test('a body in another coding than chunked does not reach the core as a body without that coding', async t => {
  const head = 'POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n';
  const answer = await exchange(await frontOf(t, echo), `${head}2\r\nhi\r\n0\r\n\r\n`);
  t.regex(answer, /"Transfer-Encoding","gzip, chunked"/);
  t.regex(answer, /"body":"aGk="/);
});

test('an answer arrives as it was given', async t => {
  const url = await frontOf(t, (_request, response) => {
    response.writeHead(418, 'Short and stout', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Date', 'then', 'Content-Length', '3']);
    response.end('pot');
  });
  const answer = await ask(`${url}/api`);
  t.is(answer.status, 418);
  t.deepEqual(answer.headers.get('set-cookie'), ['a=1', 'b=2']);
  t.is(answer.field('date'), 'then');
  t.is(answer.field('content-length'), '3');
  t.is(answer.text(), 'pot');
});

test('a request and its answer pass while they come', async t => {
  const url = await frontOf(t, (request, response) => {
    request.on('data', chunk => response.write(chunk));
    request.on('end', () => response.end());
  });
  const request = http.request(`${url}/api`, {method: 'POST', agent: false});
  request.write('one');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const [first] = await once(response, 'data');
  t.is(String(first), 'one');
  request.end('two');
  t.is(String((await Array.fromAsync(response)).join('')), 'two');
});

test('an answer that comes before the body was sent reaches its caller', async t => {
  const url = await frontOf(t, (request, response) => {
    response.writeHead(413);
    response.end('too large', () => request.resume());
  });
  const answer = await ask(`${url}/api`, {method: 'POST', body: Buffer.alloc(2 ** 20)});
  t.is(answer.status, 413);
  t.is(answer.text(), 'too large');
});

test('a caller that leaves takes its request along', async t => {
  const left = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const url = await frontOf(t, (_request, response) => {
    response.once('close', left.resolve);
    arrived.resolve();
  });
  const request = http.get(`${url}/api`, {agent: false});
  request.on('error', () => {});
  await arrived.promise;
  request.destroy();
  await left.promise;
  t.pass();
});

test('HEAD has the length of the answer and no body', async t => {
  const url = await frontOf(t, (_request, response) => response.end('four'));
  const answer = await ask(`${url}/api`, {method: 'HEAD'});
  t.is(answer.status, 200);
  t.is(answer.body.length, 0);
});
