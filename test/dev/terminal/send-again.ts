import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {sendAgain} from '../../../src/dev/terminal/send-again.ts';

async function serve(t: ExecutionContext, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const request = (some: object = {}) => ({method: 'POST', path: '/', query: '', headers: [], body: Buffer.from('hi'), ...some});
const reply = (body: string, some: object = {}) => ({status: 200, headers: [], body, ...some});

test('a function that does not answer is an error', async t => {
  await t.throwsAsync(sendAgain('http://127.0.0.1:1', {request: request(), reply: reply('')}), {code: 'ECONNREFUSED'});
});

test('a reply without end is not read to its end', async t => {
  const url = await serve(t, (_request, response) => {
    const chunk = Buffer.alloc(2 ** 20);
    const write = () => response.write(chunk, error => error || write());
    write();
  });
  await t.throwsAsync(sendAgain(url, {request: request(), reply: reply('')}), {message: /longer than 16 MiB/});
});

test('the request is sent as it came, where the function answers', async t => {
  let got: unknown;
  const url = await serve(t, ({method, url: target, rawHeaders}, response) => {
    got = {method, target, host: rawHeaders[rawHeaders.indexOf('Host') + 1], sent: rawHeaders.includes('X-Two')};
    response.end('same');
  });
  const headers = ['Host', 'todos.localhost', 'Content-Length', '99', 'X-Two', '1', 'X-Two', '2', 'Expect', '100-continue'];
  const exchange = {request: request({path: '/ä b/?', query: 'c=%20&d', headers}), reply: reply('same')};
  t.deepEqual(await sendAgain(url, exchange), []);
  t.deepEqual(got, {method: 'POST', target: '/%C3%A4%20b/%3F?c=%20&d', host: 'todos.localhost', sent: true});
  t.deepEqual(await sendAgain(`${url}/todos`, exchange), []);
  t.like(got, {target: '/todos/%C3%A4%20b/%3F?c=%20&d', host: new URL(url).host}, 'behind a prefix the host must not choose the function');
});

test('what differs is said in words, and not without end', async t => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(500, {'x-a': 'new'}).end(JSON.stringify({a: 1, b: 'x'.repeat(1000), c: 3, d: 4, e: 5}));
  });
  const before = reply('{"a":2,"b":"y","c":3}', {headers: ['X-A', 'old', 'Date', 'then', 'Core-Invocation-Id', 'x']});
  t.deepEqual(await sendAgain(url, {request: request(), reply: before}), [
    'status: 200 → 500',
    'header x-a: old → new',
    'body /a: 2 → 1',
    `body /b: "y" → "${'x'.repeat(58)}…`,
    'body /d: nothing → 4',
    '… and 1 more',
  ]);
});

test('HEAD has no body to compare', async t => {
  const url = await serve(t, (_request, response) => response.end('not sent'));
  t.deepEqual(await sendAgain(url, {request: request({method: 'HEAD', body: Buffer.alloc(0)}), reply: reply('kept')}), []);
});
