import {gzipSync} from 'node:zlib';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {Wire} from '../helpers/wire.ts';

/*
A sub-runtime that breaks the protocol in one way per case, behind a real core with one connection to it: each is told
within its bound, the function ran once, and whoever calls next gets the next answer.
*/

let core: RunningCore;
const timeoutMs = 700;

test.before(async () => {
  core = await startCore({
    SCW_PUBLIC: 'true',
    SCW_RUNTIME_BINARY: process.execPath,
    SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/raw-sub-runtime.cjs'),
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
    CORE_CONCURRENCY: '1',
    CORE_TIMEOUT: `${timeoutMs}ms`,
    CORE_RESPONSE_MAX_SIZE: '64KiB',
  });
});
test.after.always(() => core?.stop());

const head = (fields: string, status = '200 OK') => `HTTP/1.1 ${status}\r\n${fields}${fields && '\r\n'}\r\n`;
const ok = (body: string) => head(`Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`) + body;
const chunked = head('Transfer-Encoding: chunked');
const zipped = gzipSync('{"statusCode":299}');

type End = 'close' | 'reset' | 'drip';
const cases: [title: string, bytes: string | Buffer, end: End | '', status: number][] = [
  ['closes without a byte', '', 'close', 502],
  ['resets without a byte', '', 'reset', 502],
  ['answers nothing', '', '', 504],
  ['sends garbage', 'garbage\r\n\r\n', '', 502],
  ['sends garbage and closes', '\x00\x01\x02\x03', 'close', 502],
  ['speaks another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', '', 502],
  ['speaks TLS', Buffer.from('1503030002022f', 'hex'), 'close', 502],
  ['closes within the status line', 'HTTP/1.1 20', 'close', 502],
  ['closes within the head', 'HTTP/1.1 200 OK\r\nContent-Le', 'close', 502],
  ['resets within the head', 'HTTP/1.1 200 OK\r\nContent-Le', 'reset', 502],
  ['stops within the head', 'HTTP/1.1 200 OK\r\nContent-Le', '', 504],
  ['closes after the head', head('Content-Length: 5'), 'close', 502],
  ['resets after the head', head('Content-Length: 5'), 'reset', 502],
  ['closes within the length', `${head('Content-Length: 5')}abc`, 'close', 502],
  ['resets within the length', `${head('Content-Length: 5')}abc`, 'reset', 502],
  ['stops within the length', `${head('Content-Length: 5')}abc`, '', 504],
  ['closes within a chunk', `${chunked}5\r\nabc`, 'close', 502],
  ['closes between chunks', `${chunked}3\r\nabc\r\n`, 'close', 502],
  ['resets between chunks', `${chunked}3\r\nabc\r\n`, 'reset', 502],
  ['stops between chunks', `${chunked}3\r\nabc\r\n`, '', 504],
  ['drips chunks for ever', chunked, 'drip', 504],
  ['sends a chunk size that is none', `${chunked}zz\r\nabc\r\n0\r\n\r\n`, '', 502],
  ['sends a length that is none', `${head('Content-Length: x')}abc`, '', 502],
  ['sends a negative length', `${head('Content-Length: -1')}abc`, '', 502],
  ['sends two lengths', `${head('Content-Length: 3\r\nContent-Length: 4')}abcd`, '', 502],
  ['sends a length and chunks', `${head('Content-Length: 3\r\nTransfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`, '', 502],
  ['sends NUL in its head', `${head('X: a\x00b\r\nContent-Length: 2')}{}`, '', 502],
  ['sends a status of no number', 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n', '', 502],
  ['sends a status of 999', `${head('Content-Length: 2', '999 Odd')}{}`, '', 502],
  ['sends a status of 404', `${head('Content-Length: 2', '404 Not Found')}{}`, '', 502],
  ['redirects', head('Location: http://127.0.0.1:1/\r\nContent-Length: 0', '302 Found'), '', 502],
  ['redirects with 307', head('Location: /\r\nContent-Length: 0', '307 Temporary Redirect'), '', 502],
  ['switches protocols', head('Connection: Upgrade\r\nUpgrade: h2c', '101 Switching Protocols'), '', 502],
  ['says 100 Continue', head('', '100 Continue') + ok('{}'), '', 502],
  ['says 103 for ever', head('Link: </a>', '103 Early Hints').repeat(300), '', 504],
  ['floods with 102 and closes', head('', '102 Processing').repeat(2000), 'close', 502],
  [
    'compresses its JSON',
    Buffer.concat([
      Buffer.from(head(`Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}`)),
      zipped,
    ]),
    '',
    502,
  ],
  ['floods its head', head(`${'X-A: b\r\n'.repeat(20_000)}Content-Length: 2`), '', 502],
  ['sends a head without end', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}`, '', 502],
  ['declares more than the limit', head('Content-Length: 2000000'), '', 502],
  ['sends more than the limit', `${chunked}${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(400)}`, '', 502],
  ['sends more than a client may get', ok(`"${'x'.repeat(65_537)}"`), '', 502],
  ['sends text without a frame', 'HTTP/1.1 200 OK\r\n\r\nhalf a tex', 'close', 502],
  ['sends half a JSON without a frame', 'HTTP/1.1 200 OK\r\n\r\n{"a":', 'close', 502],
  ['sends nothing without a frame', 'HTTP/1.1 200 OK\r\n\r\n', 'close', 502],
  ['sends JSON that is none', ok('{'), '', 502],
  ['sends an answer more', ok('{"statusCode":201}') + ok('{"statusCode":299,"body":"poison"}'), '', 201],
  ['sends ten answers more', ok('{"statusCode":201}') + ok('{"statusCode":299,"body":"poison"}').repeat(10), '', 201],
  ['sends bytes more', `${ok('{"statusCode":201}')}poison`, '', 201],
  ['sends half an answer more', `${ok('{"statusCode":201}')}HTTP/1.1 299 Poison\r\nContent-Length: 6\r\n\r\npoi`, '', 201],
  ['closes after its answer', ok('{"statusCode":201}'), 'close', 201],
  ['resets after its answer', ok('{"statusCode":201}'), 'reset', 201],
  ['says that it closes, and does not', `${head('Connection: close\r\nContent-Length: 18')}{"statusCode":201}`, '', 201],
  ['answers JSON without a frame', 'HTTP/1.1 200 OK\r\n\r\n{"statusCode":201}', 'close', 201],
  ['answers in HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 18\r\n\r\n{"statusCode":201}', '', 201],
];

for (const [index, [title, bytes, end, status]] of cases.entries()) {
  test.serial(`a sub-runtime that ${title}: ${status}`, async t => {
    const path = `/h${index}`;
    const wire = new Wire(core.url);
    const send = (target: string, reply: string | Buffer) => {
      const body = Buffer.from(reply as string).toString('base64'); // either of the two
      return wire.write(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    };
    const started = performance.now();
    await send(`${path}?end=${end}`, bytes);
    const [reply] = await wire.replies(1);
    const tookMs = performance.now() - started;
    t.is(reply?.status, status, reply?.body.toString());
    if (status >= 500)
      t.regex(
        reply?.field('core-error') ?? '',
        status === 504 ? /^UPSTREAM_TIMEOUT$/ : /^(UPSTREAM_LOST|UPSTREAM_PROTOCOL|RESULT_INVALID)$/,
      );
    t.true(tookMs < timeoutMs + 2000, `it took ${tookMs} ms`);
    // The end of a connection comes in a packet of its own, after the answer: a call sent in between is lost, as it must be.
    if (status === 201) await new Promise(resolve => setTimeout(resolve, 30));
    const marker = `{"statusCode":202,"body":"next ${index}"}`;
    await send('/next', ok(marker));
    const next = (await wire.replies(2))[1];
    t.is(next?.body.toString(), `next ${index}`);
    await send(`/?of=${path}`, '');
    t.is((await wire.replies(3))[2]?.body.toString(), '1', 'how often it ran');
    wire.destroy();
  });
}
