import {isUtf8} from 'node:buffer';
import {execFile} from 'node:child_process';
import {once} from 'node:events';
import http from 'node:http';
import {buffer} from 'node:stream/consumers';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {curlOf, quoted} from '../../src/console/views/curl.js';

const run = promisify(execFile);

test('any text is one word of a shell, which runs nothing of it', async t => {
  for (const text of ["it's", '$(echo no)', '`echo no`', 'a\nb', '!x', '\\', '"', "'\\''", '; echo no', 'ü', '*']) {
    const {stdout} = await run('sh', ['-c', `printf %s ${quoted(text)}`]);
    t.is(stdout, text);
  }
});

/** What a server gets when a shell runs the command. */
async function sent(t: ExecutionContext, request: Partial<Parameters<typeof curlOf>[1]>, body: Buffer) {
  const server = http.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const {port} = server.address() as {port: number};
  const given = {
    method: 'GET',
    path: '/',
    headers: [] as [string, string][],
    bytes: body.length,
    body: isUtf8(body) ? body.toString() : body.toString('base64'),
    encoding: isUtf8(body) ? ('text' as const) : ('base64' as const),
    ...request,
  };
  const received = once(server, 'request').then(async args => {
    const [taken, response] = args as [http.IncomingMessage, http.ServerResponse];
    const got = await buffer(taken);
    response.end();
    return {method: taken.method, url: taken.url, headers: taken.headers, body: got};
  });
  await run('sh', ['-c', `${curlOf(`http://127.0.0.1:${port}/`, given)} --silent`]);
  return received;
}

test('the command sends the same request again', async t => {
  const {method, url, headers, body} = await sent(
    t,
    {
      method: 'PATCH',
      path: '/a/../b',
      query: "q=[1-3]&it's={x}",
      headers: [
        ['X-Note', "it's $HOME"],
        ['Host', 'elsewhere'],
        ['Content-Length', '3'],
      ],
    },
    Buffer.from('{"text": "it\'s\\n"}\n@file'),
  );
  t.is(`${method} ${url}`, "PATCH /a/../b?q=[1-3]&it's={x}");
  t.is(headers['x-note'], "it's $HOME");
  t.regex(headers.host ?? '', /^127\.0\.0\.1/);
  t.is(body.toString(), '{"text": "it\'s\\n"}\n@file');
});

test('bytes that are no text are sent as they were', async t => {
  const bytes = Buffer.from([0, 255, 10, 13, 39]);
  const {method, body} = await sent(t, {method: 'POST'}, bytes);
  t.is(method, 'POST');
  t.deepEqual(body, bytes);
});

test('a body that is not here in full is named, and not sent by halves', t => {
  const command = curlOf('http://localhost', {
    method: 'POST',
    path: '/',
    headers: [],
    bytes: 10,
    body: 'half',
    encoding: 'text',
    cut: true,
  });
  t.notRegex(command, /half/);
  t.regex(command, /< body #/);
});
