import {connect} from 'node:net';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {askRaw} from '../helpers/request.ts';

/* Requests as bytes: what is refused, what a client may do with its connection, and older forms that are served. */

let core: RunningCore;

test.before(async () => {
  core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror')});
});
test.after.always(() => core?.stop());

const refused: readonly (readonly [string, string, number])[] = [
  ['HTTP/1.1 without Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['garbage', 'GARBAGE\r\n\r\n', 400],
  ['both framings', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['another coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 400],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ['an unknown expectation', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx', 417],
  ['a head past 1 MiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(2 ** 20)}\r\n\r\n`, 431],
  ['more than 2,000 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(2000)}\r\n`, 431],
  ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
];
for (const [title, bytes, status] of refused) {
  test(`${title} is refused with ${status} and a closed connection`, async t => {
    const answer = await askRaw(core.url, bytes);
    t.regex(answer, new RegExp(`^HTTP/1.1 ${status} `));
    t.regex(answer, /^Core-Invocation-Id: /m);
    t.regex(answer, /^Core-Error: [A-Z_]+\r$/m);
    t.regex(answer, /^Connection: close\r$/m);
  });
}

test('bytes that are not a request wait for the answer to the request before them', async t => {
  for (const after of ['GARBAGE\r\n\r\n', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const answer = await askRaw(core.url, `GET /?do=slow&ms=200 HTTP/1.1\r\nHost: a\r\n\r\n${after}`);
    t.regex(answer, /^HTTP\/1\.1 200 [\s\S]*?slowHTTP\/1\.1 40[05] /);
  }
});

test('a client that has closed its side still gets its answer', async t => {
  const {hostname, port} = new URL(core.url);
  const socket = connect({host: hostname, port: Number(port), allowHalfOpen: true});
  socket.end('GET /?do=slow&ms=200 HTTP/1.1\r\nHost: a\r\n\r\n');
  const chunks = await socket.toArray();
  t.regex(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 200 [\s\S]*slow$/);
});

test('a client that leaves in its body does not make the function run', async t => {
  const {hostname, port} = new URL(core.url);
  const socket = connect({host: hostname, port: Number(port), allowHalfOpen: true});
  socket.end('POST /?do=log HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  const answer = Buffer.concat(await socket.toArray()).toString();
  t.regex(answer, /^HTTP\/1\.1 400 /);
});

test('a health check in HTTP/1.0 without Host is served', async t => {
  t.regex(await askRaw(core.url, 'GET /?do=callback HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 202 [\s\S]*called back$/);
});

test('OPTIONS * is about the server and answered by the core', async t => {
  const answer = await askRaw(core.url, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.regex(answer, /^Content-Length: 0\r$/m);
});

test('of an absolute target the path is taken', async t => {
  const answer = await askRaw(core.url, 'GET http://elsewhere/there?do=mirror HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.regex(answer, /"path":"\/there"/);
});

test('a body is asked for with 100 Continue before it is read', async t => {
  const answer = await askRaw(
    core.url,
    'POST /?do=bytes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi',
  );
  t.regex(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*hi$/);
});
