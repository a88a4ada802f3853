import {existsSync, readFileSync} from 'node:fs';
import http, {type IncomingMessage} from 'node:http';
import net from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {type RunningCore, startCore} from './core.ts';
import {below} from './process.ts';
import {read} from './reply.ts';
import {type Answer, ask} from './request.ts';
import {metric, metricIs, openGate} from './supervision.ts';
import {Wire} from './wire.ts';

/** A language whose functions answer piece by piece. */
export interface StreamsLanguage {
  /** Shown before every title. */
  readonly title: string;
  /** What serves its function: `SCW_HANDLER_PATH` and the like. */
  env(): Promise<Record<string, string>> | Record<string, string>;
  /** It runs several calls at a time in a process. */
  readonly several?: true;
  /** Its handler hears of an end by a signal, and prints `aborted`. */
  readonly aborts?: true;
  /** What becomes of a first piece that is neither text nor bytes, with a type: 500 where the head waits a moment; undefined where no such piece can be made. */
  readonly wrong: 500 | 'broken off' | undefined;
  /** The reply to `/header` is refused by the core. By default it is. */
  readonly refusesHeader?: false;
}

const MiB = 2 ** 20;

/**
Replies that leave piece by piece, from a handler in any language to the client. Call it once for each language:

    streamsSuite({title: 'node', env: () => ({SCW_HANDLER_PATH: projectFile('…/streams.mjs')}), several: true, wrong: 500});

The function answers by the path, as test/fixtures/functions/core/streams.mjs, streams.py and streams.php do. Where nothing
else is said the status is 200, the type `text/event-stream`, and the body `count` pieces (2 unless the query says so):
`data: 0\n\n`, `data: 1\n\n` …  With `gate=<file>` it waits behind each piece until the file exists, and writes the file
`<file>.over` once the stream is over, whatever ended it: the last piece, a caller that left, a limit.

| path | what is special |
| --- | --- |
| `/` | nothing |
| `/plain` | no stream: the text `whole` |
| `/large` | pieces of 64 KiB; with `made=<file>` it writes there how many it has made so far |
| `/throw` | fails behind the first piece, with `no luck` |
| `/exit` | the process ends behind the first piece, once the gate is open: no exception, no reply |
| `/late` | no type, and no piece before the gate is open |
| `/status` | the status is `status`, the type `text/html` |
| `/header` | a header with the name `bad name` |
| `/wrong` | the type `text/html`, and a first piece that is neither text nor bytes |

A language that takes one call at a time may wait for a gate in any way, and sleep meanwhile.
*/
export function streamsSuite({title, env, several, aborts, wrong, refusesHeader}: StreamsLanguage): void {
  const check = (what: string, body: (t: ExecutionContext) => Promise<void>) => void test.serial(`${title}: ${what}`, body);
  const start = async (t: Parameters<typeof startCore>[1], more: Record<string, string> = {}) =>
    startCore({SCW_PUBLIC: 'true', ...(await env()), ...more}, t);
  let core: RunningCore;

  test.before(async t => {
    t.timeout(300_000, 'a first build compiles a standard library');
    core = await start(undefined, {CORE_JOURNAL: 'memory:', CORE_JOURNAL_HTTP: 'full'});
  });
  test.after.always(() => core?.stop());

  const begin = (path: string, agent?: http.Agent) => beginAt(core.url + path, agent);

  /** The last fact about the invocation of a reply, once it is there. */
  async function settledOf({headers}: IncomingMessage, {adminUrl} = core): Promise<Record<string, unknown>> {
    const url = `${adminUrl}/api/facts?stream=invocation.${headers['core-invocation-id']}`;
    for (;;) {
      const lines = (await ask(url)).text().split('\n');
      const line = lines.find(each => each.includes('invocation.settled'));
      if (line !== undefined) return JSON.parse(line).data;
      await soon();
    }
  }

  check('a stream that fails behind its head is broken off, with what was made before', async t => {
    const before = await metric(core, streams('failed'));
    const reply = await begin('/throw');
    t.is(reply.statusCode, 200);
    t.deepEqual(await read(reply), {text: 'data: 0\n\n', isWhole: false});
    t.like(await settledOf(reply), {outcome: 'failed', code: 'HANDLER_FAILED', status: 200, streamedBytes: 9});
    t.is(await metric(core, streams('failed')), before + 1);
    await core.logged(line => line.level === 'error' && /no luck/.test(line.msg));
  });

  if (wrong !== undefined) {
    check('a piece that is neither text nor bytes is an error', async t => {
      const reply = await begin('/wrong');
      t.is(reply.statusCode, wrong === 500 ? 500 : 200);
      const {text, isWhole} = await read(reply);
      if (wrong === 500) t.regex(text, /A piece of a streamed body must be a text or bytes, not /);
      else t.deepEqual({text, isWhole}, {text: '', isWhole: false});
      t.like(await settledOf(reply), {outcome: 'failed', code: 'HANDLER_FAILED'});
      await core.logged(({msg}) => /A piece of a streamed body must be a text or bytes, not /.test(msg));
    });
  }

  check('over HTTP/1.0 a stream is ended by the end of the connection, and one that fails by a reset', async t => {
    const {port} = new URL(core.url);
    const get = (path: string) => {
      const socket = net.connect(Number(port), '127.0.0.1');
      const {promise, resolve} = Promise.withResolvers<[text: string, error: string]>();
      let text = '';
      let error = '';
      socket.on('data', chunk => {
        text += chunk;
      });
      socket.on('error', ({code}: NodeJS.ErrnoException) => {
        error = String(code);
      });
      socket.on('close', () => resolve([text, error]));
      socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
      return promise;
    };
    const [text, error] = await get('/');
    t.regex(text, /^HTTP\/1\.1 200 OK\r\n(?!.*chunked)[\s\S]*Connection: close[\s\S]*\r\n\r\ndata: 0\n\ndata: 1\n\n$/);
    t.is(error, '');
    t.is((await get('/throw'))[1], 'ECONNRESET');
  });

  check('a process that ends breaks its streams off', async t => {
    const gate = await openGate(t);
    const reply = await begin(`/exit?gate=${gate.headers['X-Gate']}`);
    await gate.open();
    t.false((await read(reply)).isWhole);
    t.like(await settledOf(reply), {outcome: 'failed', code: 'UPSTREAM_LOST', status: 200});
    let next: Answer;
    do next = await ask(`${core.url}/plain`);
    while (next.status !== 200);
    t.is(next.text(), 'whole');
  });

  check('a stream that is silent for too long is broken off, and ended', async t => {
    const own = await start(t, {CORE_STREAM_IDLE: '300ms'});
    const gate = await openGate(t);
    const reply = await beginAt(`${own.url}/?gate=${gate.headers['X-Gate']}`);
    t.deepEqual(await read(reply), {text: 'data: 0\n\n', isWhole: false});
    t.like(await settledOf(reply, own), {outcome: 'expired', code: 'UPSTREAM_TIMEOUT', status: 200});
    await gate.open();
    await written(`${gate.headers['X-Gate']}.over`);
    if (aborts) await own.logged(({msg}) => msg === 'aborted');
    t.true((await metric(own, streams('expired'))) > 0);
  });

  check('without a type the head waits for the first piece, until the deadline', async t => {
    const gate = await openGate(t);
    const reply = await ask(`${core.url}/late?gate=${gate.headers['X-Gate']}`, {headers: {'Core-Timeout': '300ms'}});
    t.like(reply, {status: 504});
    await gate.open();
    t.is((await ask(`${core.url}/plain`)).text(), 'whole');
  });

  if (refusesHeader !== false) {
    check('a head that HTTP cannot carry is refused, and the stream is ended', async t => {
      t.like(await ask(`${core.url}/header`), {status: 502});
      await metricIs(core, 'faas_streams_open', 0);
    });
  }

  check('the caller that leaves ends the stream of the handler', async t => {
    const gate = await openGate(t);
    const file = gate.headers['X-Gate'];
    const reply = await begin(`/?count=1000000&gate=${file}`);
    reply.resume();
    await gate.open();
    await new Promise(resolve => reply.once('data', resolve));
    reply.destroy();
    await written(`${file}.over`);
    t.like(await settledOf(reply), {outcome: 'cancelled', code: 'CALLER_LEFT', status: 200});
    t.true((await metric(core, streams('left'))) > 0);
    await metricIs(core, 'core_conservation_drift', 0);
  });

  check('a caller that leaves while nothing is made is noticed, too', async t => {
    const gate = await openGate(t);
    const file = gate.headers['X-Gate'];
    const reply = await begin(`/?gate=${file}`);
    await metricIs(core, 'faas_streams_open', 1);
    reply.destroy();
    await metricIs(core, 'faas_streams_open', 0);
    t.like(await settledOf(reply), {outcome: 'cancelled'});
    await gate.open();
    await written(`${file}.over`);
    t.is((await ask(`${core.url}/plain`)).text(), 'whole');
  });

  check('a client that does not read stops the handler, and the core holds a window of it at most', async t => {
    const {headers} = await openGate(t);
    const file = `${headers['X-Gate']}.made`;
    const reply = await begin(`/large?count=100000&made=${file}`);
    reply.pause();
    let made = 0;
    for (let same = 0; same < 3; ) {
      await new Promise(resolve => setTimeout(resolve, 100));
      const now = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
      same = now === made && now > 0 ? same + 1 : 0;
      made = now;
    }
    t.true(made < 300, `${made} pieces of 64 KiB`); // the system's buffers take some megabytes
    const held = await metric(core, 'core_inflight_bytes{kind="stream"}');
    t.true(held > 0 && held <= 262_144 + 65_536, String(held));
    if (several) t.is((await ask(`${core.url}/plain`)).text(), 'whole', 'it stops no other call');
    reply.destroy();
    await metricIs(core, 'core_inflight_bytes{kind="stream"}', 0);
  });

  check('256 MiB pass through a process that stays below 192 MiB', async t => {
    const reply = await begin('/large?count=4096');
    let bytes = 0;
    for await (const chunk of reply) bytes += chunk.length;
    t.is(bytes, 256 * MiB);
    const peaks = below(core.pid).map(peakBytes);
    t.true(Math.max(...peaks) < 192 * MiB, `${peaks.map(peak => Math.round(peak / MiB)).join()} MiB`);
  });

  check('HEAD, 204 and 304 have no body: its stream is ended at once', async t => {
    const wire = new Wire(core.url);
    await wire.write('HEAD /status?status=200&count=1000000 HTTP/1.1\r\nHost: a\r\n\r\n');
    for (const status of [204, 304]) await wire.write(`GET /status?status=${status}&count=1000000 HTTP/1.1\r\nHost: a\r\n\r\n`);
    await metricIs(core, 'faas_streams_open', 0);
    while (wire.received.toString().split('HTTP/1.1 ').length < 4) await soon();
    t.deepEqual(wire.received.toString().match(/HTTP\/1\.1 \d+|Transfer-Encoding|data:/g), [
      'HTTP/1.1 200',
      'HTTP/1.1 204',
      'HTTP/1.1 304',
    ]);
    wire.destroy();
  });

  check('requests in a pipeline wait for the stream before them, and get their replies whole', async t => {
    const wire = new Wire(core.url);
    const gate = await openGate(t);
    const paths = [`/?gate=${gate.headers['X-Gate']}`, '/?count=3', '/plain'];
    await wire.write(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    while (!wire.received.includes('data: 0')) await soon();
    await gate.open();
    while (!wire.received.toString().endsWith('\r\n\r\nwhole')) await soon();
    t.deepEqual(wire.received.toString().match(/data: \d|HTTP\/1\.1 200/g), [
      ...['HTTP/1.1 200', 'data: 0', 'data: 1'],
      ...['HTTP/1.1 200', 'data: 0', 'data: 1', 'data: 2'],
      'HTTP/1.1 200',
    ]);
    wire.destroy();
  });

  check('each piece leaves as it is made, and the fact comes at the end, with the beginning of the body', async t => {
    const gate = await openGate(t);
    const reply = await begin(`/?gate=${gate.headers['X-Gate']}`);
    t.like(reply.headers, {'content-type': 'text/event-stream', 'transfer-encoding': 'chunked'});
    let first = '';
    for (; first === ''; await soon()) first += reply.read() ?? '';
    t.is(first, 'data: 0\n\n');
    if (several) t.is((await ask(`${core.url}/plain`)).text(), 'whole', 'it stops no other call');
    await gate.open();
    t.deepEqual(await read(reply), {text: 'data: 1\n\n', isWhole: true});
    t.like(await settledOf(reply), {outcome: 'responded', status: 200, streamedBytes: 18});
    const kept = await ask(`${core.adminUrl}/api/invocations/${reply.headers['core-invocation-id']}`);
    t.is(kept.status, 200);
  });

  check('a connection serves on behind a stream', async t => {
    const agent = new http.Agent({keepAlive: true, maxSockets: 1});
    t.is((await read(await begin('/', agent))).text, 'data: 0\n\ndata: 1\n\n');
    t.is((await read(await begin('/?count=1', agent))).text, 'data: 0\n\n');
    agent.destroy();
  });

  check('where only the outcome is wanted a stream is gathered', async t => {
    const reply = await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'cron'}});
    t.like(reply, {status: 200});
    t.is(reply.text(), 'executed properly');
  });

  check('a stop waits for a stream until it has ended', async t => {
    const own = await start(t);
    const gate = await openGate(t);
    const reply = await beginAt(`${own.url}/?gate=${gate.headers['X-Gate']}`);
    own.kill('SIGTERM');
    await own.logged(({msg}) => msg === 'Stopping');
    await gate.open();
    t.deepEqual(await read(reply), {text: 'data: 0\n\ndata: 1\n\n', isWhole: true});
    t.is(await own.exited, 0);
    t.like(own.logs.at(-1), {msg: 'Stopped', accepted: 1, completed: 1, lost: 0});
  });

  check('a stream that has not ended within the grace time is broken off, and counted', async t => {
    const own = await start(t, {CORE_GRACE: '1s'});
    const gate = await openGate(t);
    const reply = await beginAt(`${own.url}/?gate=${gate.headers['X-Gate']}`);
    own.kill('SIGTERM');
    t.deepEqual(await read(reply), {text: 'data: 0\n\n', isWhole: false});
    t.is(await own.exited, 0);
    t.like(own.logs.at(-1), {msg: 'Stopped', accepted: 1, completed: 0, handedBack: 0, lost: 1});
  });
}

/** Asks, and resolves with the head. */
function beginAt(url: string, agent: http.Agent | false = false): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(url, {agent}, resolve).once('error', reject);
  return promise;
}

const streams = (outcome: string) => `faas_streams_total{outcome="${outcome}"}`;
const soon = () => new Promise(resolve => setTimeout(resolve, 5));

async function written(file: string): Promise<void> {
  while (!existsSync(file)) await soon();
}

/** The most that a process ever had in memory. */
function peakBytes(pid: number): number {
  const [, kB = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kB) * 1024;
}
