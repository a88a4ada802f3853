import {gzipSync} from 'node:zlib';
import test from 'ava';
import {type Manner, type RawCore, requestFor, startRawCore} from '../helpers/raw-sub-runtime.ts';
import {metricIs, restarts} from '../helpers/supervision.ts';
import {Wire} from '../helpers/wire.ts';

/*
What a sub-runtime may do wrong on its connection, byte for byte. The caller gets one whole answer, the function has run
once, and the next call is answered by its own reply: where there is one connection only, a poisoned one would show.
*/

let core: RawCore;

test.before(async () => {
  core = await startRawCore({CORE_CONCURRENCY: '1', CORE_RESPONSE_MAX_SIZE: '1MiB'});
});
test.after.always(() => core?.stop());

interface Case {
  readonly title: string;
  readonly sends: string | Buffer;
  readonly manner: Manner;
  readonly status: number;
  readonly code: string;
  /** Is in the body, or fits it. */
  readonly says?: RegExp;
}

const head = (fields: string, status = '200 OK') => `HTTP/1.1 ${status}\r\n${fields}\r\n\r\n`;
const json = 'Content-Type: application/json';
const sized = (body: string, fields = json, status?: string) => head(`${fields}\r\nContent-Length: ${body.length}`, status) + body;
const chunks = (body: string, fields = json) => `${head(`${fields}\r\nTransfer-Encoding: chunked`)}${body}`;
const gzip = gzipSync('{"a":1}');

const lost = (title: string, sends: string | Buffer, end: 'close' | 'reset' = 'close'): Case => ({
  title,
  sends,
  manner: {end},
  status: 502,
  code: 'UPSTREAM_LOST',
});
const broken = (title: string, sends: string | Buffer, more: Partial<Case> = {}): Case => ({
  title,
  sends,
  manner: {},
  status: 502,
  code: 'UPSTREAM_PROTOCOL',
  ...more,
});
const taken = (title: string, sends: string | Buffer, says: RegExp, manner: Manner = {}): Case => ({
  title,
  sends,
  manner,
  status: 200,
  code: '',
  says,
});
const failed = (title: string, sends: string | Buffer, says: RegExp): Case => ({
  title,
  sends,
  manner: {},
  status: 500,
  code: 'HANDLER_FAILED',
  says,
});

const cases: Case[] = [
  lost('closes without a byte', ''),
  lost('resets without a byte', '', 'reset'),
  lost('closes within the status line', 'HTTP/1.1 20'),
  lost('closes within the head', 'HTTP/1.1 200 OK\r\nContent-Le'),
  lost('resets within the head', 'HTTP/1.1 200 OK\r\nContent-Le', 'reset'),
  lost('closes after the head', head('Content-Length: 5')),
  lost('resets after the head', head('Content-Length: 5'), 'reset'),
  lost('closes within the body', `${head('Content-Length: 5')}abc`),
  lost('resets within the body', `${head('Content-Length: 5')}abc`, 'reset'),
  lost('closes before the first chunk', chunks('')),
  lost('closes within the size of a chunk', chunks('1')),
  lost('closes within a chunk', chunks('5\r\nabc')),
  lost('resets within a chunk', chunks('5\r\nabc'), 'reset'),
  lost('closes before the last chunk', chunks('3\r\n"a"\r\n')),
  lost('closes within the end of the chunks', chunks('3\r\n"a"\r\n0\r\n')),
  lost('closes after hints only', head('X: y', '103 Early Hints')),
  broken('greets in plain text', 'hello world\r\n\r\n'),
  broken('speaks SSH', 'SSH-2.0-OpenSSH_9.2\r\n'),
  broken('speaks TLS', Buffer.from('15030100020228', 'hex')),
  broken('sends zeros', Buffer.alloc(100)),
  broken('answers as HTTP/0.9 did', '<html>hello</html>\r\n'),
  broken('names a version that is none', `HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}`),
  broken('names a status of letters', head('Content-Length: 0', 'abc OK')),
  broken('names a status of two digits', head('Content-Length: 0', '20 OK')),
  broken('sends a field without a colon', head('Content-Length 0')),
  broken('sends a field whose name has a space', head('Content Length: 0')),
  broken('sends NUL in a field', head('X: a\x00b\r\nContent-Length: 0')),
  broken('sends two lengths that differ', `${head('Content-Length: 2\r\nContent-Length: 3')}{}`),
  broken('sends a length that is none', `${head('Content-Length: 2x')}{}`),
  broken('sends a length below zero', `${head('Content-Length: -1')}{}`),
  broken('sends a length and chunks', `${head('Content-Length: 2\r\nTransfer-Encoding: chunked')}2\r\n{}\r\n0\r\n\r\n`),
  broken('sends a chunk size that is none', chunks('zz\r\n{}\r\n0\r\n\r\n')),
  broken('sends a chunk longer than its size', chunks('2\r\n{}{}\r\n0\r\n\r\n')),
  broken('switches protocols', head('Connection: Upgrade\r\nUpgrade: websocket', '101 Switching Protocols')),
  broken('asks for the body again', head('X: y', '100 Continue') + sized('{}')),
  broken('hints for ever', head('X: y', '103 Early Hints').repeat(100), {manner: {end: 'flood'}}),
  broken('sends a head without end', 'HTTP/1.1 200 OK\r\n', {manner: {drip: 'X: '.padEnd(5000, 'x')}}),
  broken('sends a flood of fields', head('X: y\r\n'.repeat(20_000))),
  broken('announces more than the limit', head('Content-Length: 999999999')),
  broken('sends more than the limit in chunks', `${chunks('')}800000\r\n${'x'.repeat(2 ** 23)}\r\n0\r\n\r\n`),
  broken('sends more than the limit until it closes', `${head('Connection: close')}${'x'.repeat(2 ** 23)}`, {manner: {end: 'close'}}),
  ...[
    'unchunked',
    'xchunked',
    'chunkedx',
    'chunked, gzip',
    'gzip, chunked',
    'gzip',
    'identity',
    'chunked, chunked',
    '"chunked"',
    'chunked;q=1',
    '',
  ].map(coding =>
    broken(`cuts a reply with the transfer coding \`${coding}\``, `${head(`${json}\r\nTransfer-Encoding: ${coding}`)}{"a":1}`, {
      manner: {end: 'close'},
    }),
  ),
  broken('sends two transfer codings', `${head('Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip')}{"a":1}`, {manner: {end: 'close'}}),
  broken('redirects to itself', head('Location: /\r\nContent-Length: 0', '307 Temporary Redirect'), {says: /status 307/}),
  broken('redirects to elsewhere', head('Location: http://127.0.0.1:1/\r\nContent-Length: 0', '302 Found'), {says: /status 302/}),
  broken('knows nobody', sized('no', 'X: y', '404 Not Found'), {says: /status 404/}),
  broken('is overloaded', sized('no', 'Retry-After: 5', '503 Service Unavailable'), {says: /status 503/}),
  broken('says that nothing changed', head('X: y', '304 Not Modified'), {says: /status 304/}),
  broken(
    'compresses its JSON',
    Buffer.concat([Buffer.from(head(`${json}\r\nContent-Encoding: gzip\r\nContent-Length: ${gzip.length}`)), gzip]),
  ),
  broken('sends JSON that is cut', sized('{"a":')),
  broken('sends two JSON values', sized('{}{}')),
  broken('cuts a reply that has no length', `${head(json)}{"a":`, {manner: {end: 'close'}}),
  broken('cuts a text that has no length', `${head('X: y')}hel`, {manner: {end: 'close'}}),
  failed('fails', sized('boom', 'X: y', '500 Internal Server Error'), /^An error occured during handler execution: boom\n$/),
  failed('fails in bytes', sized('\xff\xfe', 'X: y', '500 Internal Server Error'), /^An error occured during handler execution: /),
  taken('hints a hundred times first', head('X: y', '103 Early Hints').repeat(100) + sized('{"a":1}'), /^{"a":1}$/),
  taken(
    'compresses bytes',
    Buffer.concat([Buffer.from(head(`Content-Encoding: gzip\r\nContent-Length: ${gzip.length}`)), gzip]),
    /^.{10,}$/s,
  ),
  taken('closes after a whole JSON value without a length', `${head(json)}{"a":1}`, /^{"a":1}$/, {end: 'close'}),
  taken('answers as HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n{"a":1}', /^{"a":1}$/, {end: 'close'}),
  taken('spells chunked in capitals', `${head(`${json}\r\nTransfer-Encoding: Chunked`)}7\r\n{"a":1}\r\n0\r\n\r\n`, /^{"a":1}$/),
  taken('sends bytes behind its reply', `${sized('{"a":1}')}garbage`, /^{"a":1}$/),
  taken('sends a second reply behind its reply', sized('{"a":1}') + sized('{"stolen":1}'), /^{"a":1}$/),
  taken('sends a second reply behind its chunks', chunks('7\r\n{"a":1}\r\n0\r\n\r\n') + sized('{"stolen":1}'), /^{"a":1}$/),
  taken('sends a body with 204', `${head('Content-Length: 12', '204 No Content')}{"stolen":1}`, /^$/),
  taken('resets after a reply that announced the end', sized('{"a":1}', 'Connection: close'), /^{"a":1}$/, {end: 'reset'}),
  taken('closes after a reply that announced the end', sized('{"a":1}', 'Connection: close'), /^{"a":1}$/, {end: 'close'}),
];

const next = sized('{"next":1}');

for (const [index, {title, sends, manner, status, code, says}] of cases.entries()) {
  test.serial(`${status} for a sub-runtime that ${title}`, async t => {
    const path = `/c${index}`;
    const wire = new Wire(core.url);
    await wire.write(requestFor(path, sends, manner) + requestFor(`${path}/next`, next));
    const [reply, other] = await wire.replies(2);
    t.is(reply?.status, status, reply?.body.toString());
    t.is(reply?.field('core-error'), code);
    if (code) t.regex(reply?.body.toString() ?? '', /^[^\n]+\n$/);
    if (says) t.regex(reply?.body.toString('latin1') ?? '', says);
    t.is(other?.body.toString(), '{"next":1}', 'the next call, over the same connection if it still is one');
    t.is(core.runsOf(path), 1);
    wire.destroy();
  });
}

for (const [title, late] of [
  ['bytes', 'garbage'],
  ['a second reply', sized('{"stolen":1}')],
] as const) {
  test.serial(`a connection on which ${title} came while it was idle is not used again`, async t => {
    const path = `/late/${title.length}`;
    const wire = new Wire(core.url);
    await wire.write(requestFor(path, sized('{"a":1}'), {late}));
    t.is((await wire.replies(1))[0]?.body.toString(), '{"a":1}');
    while (core.runsOf(`${path} closed`) === 0) await new Promise(resolve => setTimeout(resolve, 5));
    await wire.write(requestFor(`${path}/next`, next));
    t.is((await wire.replies(2))[1]?.body.toString(), '{"next":1}');
    t.is(core.runsOf(path), 1);
    wire.destroy();
  });
}

const endless: [title: string, sends: string, manner?: Manner][] = [
  ['says nothing', ''],
  ['stops within the status line', 'HTTP/1.1 20'],
  ['stops within the head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['stops after the head', head('Content-Length: 5')],
  ['stops within the body', `${head('Content-Length: 5')}abc`],
  ['stops within a chunk', chunks('5\r\nabc')],
  ['stops before the last chunk', chunks('3\r\n"a"\r\n')],
  ['never closes a reply without a length', `${head('X: y')}{"a":1}`],
  ['drips a head', 'HTTP/1.1 200 OK\r\nX: ', {drip: 'x'}],
  ['drips a body', head('Content-Length: 1000000'), {drip: 'x'}],
  ['drips chunks', chunks(''), {drip: '1\r\nx\r\n'}],
  ['drips hints', '', {drip: head('X: y', '103 Early Hints')}],
];

/*
All at a time, as one call that does not end costs the process: it is replaced once they are over. The deadline is far
longer than what it takes to hand a dozen calls over, so that each has run.
*/
test('504 for every sub-runtime that does not finish its reply, after which another process serves', async t => {
  const stuck = await startRawCore({CORE_TIMEOUT: '6s'});
  t.teardown(() => stuck.stop());
  await metricIs(stuck, 'core_runtime_up', 1); // a deadline may not pass while it starts
  await Promise.all(
    endless.map(async ([title, sends, manner], index) => {
      const wire = new Wire(stuck.url);
      await wire.write(requestFor(`/s${index}`, sends, manner));
      const [reply] = await wire.replies(1);
      t.is(reply?.status, 504, title);
      t.is(reply?.field('core-error'), 'UPSTREAM_TIMEOUT', title);
      t.is(reply?.body.toString(), 'The function did not answer within 6000 ms\n', title);
      await wire.write(requestFor(`/s${index}/next`, next));
      t.is((await wire.replies(2))[1]?.body.toString(), '{"next":1}', title);
      wire.destroy();
    }),
  );
  await metricIs(stuck, restarts('stuck'), 1);
  for (const index of endless.keys()) {
    t.is(stuck.runsOf(`/s${index}`), 1);
    t.is(stuck.runsOf(`/s${index}/next`), 1);
  }
});
