import {fork} from 'node:child_process';
import {generateKeyPairSync} from 'node:crypto';
import {once} from 'node:events';
import http, {type IncomingMessage} from 'node:http';
import type {AddressInfo} from 'node:net';
import {cpus} from 'node:os';
import jwt from 'jsonwebtoken';
import {sliceMember} from '../middleware/respond/slice.ts';
import {systemClock} from '../src/clock.ts';
import {Fault} from '../src/errors.ts';
import {Upstream} from '../src/workers/hop/http.ts';
import {projectFile, startCore} from '../test/helpers/core.ts';
import {writtenEvent} from '../test/helpers/event.ts';
import {guardHead} from '../triggers/http/guard.ts';
import {parseTarget} from '../triggers/http/target.ts';
import {median} from './figures.ts';
import {type Load, type Measured, measure} from './load.ts';

/*
What the edge costs: the guard and the target per request, a slice against parse and stringify, a flood of bad tokens
for callers with good ones, and calls at the very moment at which a sub-runtime closes its idle connections.

    node bench/edge.ts [guard|slice|flood|idle …]
*/

const parts = {guard: raceGuard, slice: raceSlice, flood: raceFlood, idle: raceIdle};
type Part = keyof typeof parts;

if (process.send) serveShortLived();
else {
  const asked = process.argv.slice(2) as Part[]; // checked on the next line
  const chosen = asked.length > 0 ? asked.filter(name => name in parts) : (Object.keys(parts) as Part[]); // its own keys
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`);
  for (const name of chosen) await parts[name]();
}

/** Nanoseconds per call: the median of seven rounds after two to warm up. */
function cost(call: () => unknown, calls: number): number {
  const rounds: number[] = [];
  let kept: unknown;
  for (let round = 0; round < 9; round++) {
    const started = performance.now();
    for (let index = 0; index < calls; index++) kept = call();
    if (round >= 2) rounds.push(((performance.now() - started) * 1e6) / calls);
  }
  if (kept === Symbol.for('never')) console.log(kept); // so that no call is optimised away
  return median(rounds);
}

async function raceGuard(): Promise<void> {
  const browser = [
    ...['Host', 'a.example', 'User-Agent', 'Mozilla/5.0', 'Accept', '*/*', 'Accept-Language', 'en', 'Accept-Encoding', 'gzip, br'],
    ...['Referer', 'https://a.example/', 'Cookie', 'a=1; b=2', 'Connection', 'keep-alive', 'Content-Type', 'application/json'],
    ...['Content-Length', '120', 'X-Forwarded-For', '10.0.0.1', 'traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  ];
  const request = (rawHeaders: string[]) => ({rawHeaders, httpVersion: '1.1', method: 'POST'}) as IncomingMessage; // all it looks at
  const few = request(['Host', 'a.example', 'Accept', '*/*']);
  const many = request(browser);
  console.log('| the guard and the target, per request | ns |\n| --- | --- |');
  console.log(`| guard, 2 fields | ${cost(() => guardHead(few), 200_000).toFixed(0)} |`);
  console.log(`| guard, 12 fields | ${cost(() => guardHead(many), 200_000).toFixed(0)} |`);
  console.log(`| target \`/\` | ${cost(() => parseTarget('/'), 200_000).toFixed(0)} |`);
  console.log(`| target \`/a/b%20c?d=e\` | ${cost(() => parseTarget('/a/b%20c?d=e'), 200_000).toFixed(0)} |\n`);
}

async function raceSlice(): Promise<void> {
  const item = {id: 12_345, name: 'a "quoted" name', tags: ['a', 'b'], nested: {price: 1.5, text: 'x'.repeat(60)}};
  console.log('| the body of an envelope, µs | slice | parse + stringify | ratio |\n| --- | --- | --- | --- |');
  for (const [title, items, calls] of [
    ['150 bytes', 1, 100_000],
    ['15 KB', 100, 2000],
    ['1.5 MB', 10_000, 20],
  ] as const) {
    const json = JSON.stringify({statusCode: 200, headers: {'Content-Type': 'application/json'}, body: Array(items).fill(item)});
    // Both read the envelope's other members from a parsed value; the slice is what is spared the second writing.
    const parse = cost(() => JSON.parse(json), calls);
    const slice = cost(() => sliceMember(json, 'body'), calls);
    const stringify = cost(() => JSON.stringify(JSON.parse(json).body), calls) - parse;
    const row = [slice, stringify].map(each => (each / 1000).toFixed(2));
    console.log(`| ${title} (parse alone ${(parse / 1000).toFixed(2)}) | ${row[0]} | ${row[1]} | ${(stringify / slice).toFixed(2)} |`);
  }
  console.log();
}

async function raceFlood(): Promise<void> {
  const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  const forger = generateKeyPairSync('rsa', {modulusLength: 2048});
  const core = await startCore({
    SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs'),
    SCW_PUBLIC_KEY: String(publicKey.export({type: 'spki', format: 'pem'})),
    SCW_APPLICATION_ID: 'app-1',
  });
  const payload = {application_claim: [{application_id: 'app-1'}]};
  const good = jwt.sign(payload, privateKey, {algorithm: 'RS256'});
  const bad = jwt.sign(payload, forger.privateKey, {algorithm: 'RS256'});
  const load = (token: string): Load => ({url: core.url, connections: 16, seconds: 4, headers: {'X-Auth-Token': token}});
  const rows = new Map<string, Measured[]>([
    ['16 callers alone', []],
    ['beside 16 other good callers', []],
    ['beside 16 that flood with forged tokens', []],
  ]);
  const [alone = [], beside = [], flooded = []] = rows.values();
  await measure(load(good));
  for (let round = 0; round < 3; round++) {
    alone.push(await measure(load(good)));
    beside.push((await Promise.all([measure(load(good)), measure(load(good))]))[0]);
    flooded.push((await Promise.all([measure(load(good)), measure(load(bad))]))[0]);
  }
  await core.stop();
  console.log('| good requests | p99 ms | requests/s | errors |\n| --- | --- | --- | --- |');
  for (const [title, runs] of rows) {
    const p99 = median(runs.map(each => each.p99Us)) / 1000;
    const rate = median(runs.map(each => each.requestsPerSecond));
    const errors = runs.reduce((sum, each) => sum + each.errors, 0);
    console.log(`| ${title} | ${p99.toFixed(2)} | ${rate.toFixed(0)} | ${errors} |`);
  }
  console.log();
}

/** 1,000 connections, each used ten times, after pauses around the times at which both sides close an idle one. */
async function raceIdle(): Promise<void> {
  const child = fork(import.meta.filename, {execArgv: []});
  const [port] = (await once(child, 'message')) as [number];
  const options = {host: '127.0.0.1', port, connections: 1, maxReplyBytes: 1000, bridgeToken: 'x'};
  const upstreams = Array.from({length: 1000}, () => new Upstream(options, systemClock));
  const errors: string[] = [];
  let sent = 0;
  const call = async (upstream: Upstream) => {
    const invocationId = String(sent++);
    const deadline = systemClock.monotonic() + 30_000;
    await upstream
      .send(
        {invocationId, event: writtenEvent(), deadlineMs: 0, deadline, timeoutMs: 30_000, signal: undefined, trace: undefined},
        () => {},
      )
      .catch((error: Error & {cause?: Error}) => errors.push(`${error.message}: ${error.cause?.message}`));
  };
  const lead = async (upstream: Upstream, index: number) => {
    for (let round = 0; round < 10; round++) {
      await call(upstream);
      // A third each at our limit where the sub-runtime tells its own, at ours where it does not, at its own; ± 15 ms.
      const limitMs = [3000, 4000, 5000][(index + round) % 3] ?? 0;
      const pauseMs = limitMs + Math.random() * 30 - 15;
      if (round < 9) await systemClock.sleep(pauseMs);
    }
  };
  await Promise.all(upstreams.map(lead));
  child.send('count');
  const [{runs, repeated, connections}] = (await once(child, 'message')) as [{runs: number; repeated: number; connections: number}];
  child.kill();
  for (const upstream of upstreams) upstream.destroy(new Fault('DRAINING'));
  console.log('| calls at the idle limit | runs | run twice | errors | connections |\n| --- | --- | --- | --- | --- |');
  console.log(`| ${sent} | ${runs} | ${repeated} | ${errors.length} | ${connections} |\n`);
  for (const error of new Set(errors)) console.log(error);
}

/** A sub-runtime as Node's server is by default: it closes an idle connection after 5 s. */
function serveShortLived(): void {
  const runs = new Map<string, number>();
  let connections = 0;
  const server = http.createServer((request, response) => {
    const id = String(request.headers['core-invocation-id']);
    runs.set(id, (runs.get(id) ?? 0) + 1);
    // Half of the connections are not told when they end: a field of one's own keeps Node from adding Keep-Alive.
    if (Number(id) % 2 === 0) response.setHeader('Connection', 'keep-alive');
    request.resume().on('end', () => response.end('{}'));
  });
  server.keepAliveTimeout = 5000;
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1', 4096, () => process.send?.((server.address() as AddressInfo).port)); // a TCP server has one
  process.on('message', () =>
    process.send?.({runs: runs.size, repeated: [...runs.values()].filter(count => count > 1).length, connections}),
  );
}
