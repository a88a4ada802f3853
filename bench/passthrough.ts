import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import http, {type IncomingMessage} from 'node:http';
import {loadavg} from 'node:os';
import {delimiter, join} from 'node:path';
import {promisify} from 'node:util';
import {projectFile} from '../test/helpers/core.ts';
import {chooseGenerator, type Measured, measure} from './load.ts';
import {nginxSettings} from './peers/proxies.ts';
import {Peers} from './peers.ts';
import {residentMemory} from './processes.ts';
import {newPort, type Program, type Server, start, temporaryFolder} from './servers.ts';

/*
What it costs to stand in front of an HTTP server (CORE_PROTOCOL=http):

    node bench/passthrough.ts [rounds] [seconds]

Rates beside nginx, a plain proxy in Node and of-watchdog, in front of the same server; the core's memory while 1 GiB passes in
each direction; and what 1,000 open event streams cost other calls. Ends with 1 when a bound is broken.
*/

const [rounds = 3, seconds = 3] = process.argv.slice(2).map(Number);
const server = projectFile('bench/peers/passed-server.cjs');
const bytes = 2 ** 30;
/** Of the memory that it has when nothing passes. */
const mostGrowth = 64 * 2 ** 20;
const broken: string[] = [];

await using stack = new AsyncDisposableStack();
const peers = new Peers(stack);
console.log(
  `${await chooseGenerator(() => peers.install('autocannon'))}; load ${loadavg()
    .map(each => each.toFixed(1))
    .join(' ')}`,
);

const behind = {command: [process.execPath, server], env: {}, port: await newPort()} satisfies Program;
const bare = await start({...behind, env: {PORT: String(behind.port)}}, stack);
const contenders: Record<string, Server> = {'the server itself': bare};
for (const [name, program] of Object.entries({nginx: nginx, 'a plain proxy in Node': plainProxy, 'of-watchdog': watchdog})) {
  try {
    contenders[name] = await start(await program(), stack);
  } catch (error) {
    console.log(`not measured: ${name} (${String(error).split('\n')[0]})`);
  }
}
const core = await start(await ourCore(), stack);
contenders.core = core;
await untilReady(core.url);

await compareRates();
await passBytes();
await holdStreams();
if (broken.length > 0) {
  console.log(`\n${broken.join('\n')}`);
  process.exitCode = 1;
}

async function nginx(): Promise<Program> {
  const PATH = [process.env.PATH, '/usr/sbin'].join(delimiter);
  const [folder, port] = [await temporaryFolder(stack), await newPort()];
  const file = join(folder, 'nginx.conf');
  await writeFile(file, nginxSettings(folder, port, behind.port));
  return {command: ['nginx', '-p', folder, '-c', file, '-e', 'stderr'], env: {PATH}, port};
}

async function plainProxy(): Promise<Program> {
  const port = await newPort();
  const env = {PORT: String(port), UPSTREAM_PORT: String(behind.port)};
  return {command: [process.execPath, projectFile('bench/peers/plain-proxy.cjs')], env, port};
}

/** In front of a process of its own, as it starts one itself. */
async function watchdog(): Promise<Program> {
  const GOBIN = await peers.folder();
  const env = {...process.env, GOBIN, GOFLAGS: '-mod=mod'};
  await promisify(execFile)('go', ['install', 'github.com/openfaas/of-watchdog@latest'], {env});
  const [port, upstream] = [await newPort(), await newPort()];
  const fprocess = `${process.execPath} ${server}`;
  const settings = {mode: 'http', port: String(port), upstream_url: `http://127.0.0.1:${upstream}`, fprocess};
  const quiet = {prefix_logs: 'false', suppress_lock: 'true', healthcheck_interval: '1s'};
  return {command: [join(GOBIN, 'of-watchdog')], env: {...settings, ...quiet, PORT: String(upstream)}, port};
}

async function ourCore(): Promise<Program> {
  const [port, folder] = [await newPort(), await temporaryFolder(stack)];
  const command = JSON.stringify([process.execPath, server]);
  const ours = {CORE_COMMAND: command, CORE_PROTOCOL: 'http', SCW_PUBLIC: 'true', SCW_UPSTREAM_PORT: '0', CORE_ADMIN_PORT: '0'};
  const limits = {SCW_PAYLOAD_MAX_SIZE: '1GiB', CORE_CONCURRENCY: '2000', CORE_STREAM_IDLE: '10m', CORE_DATA_DIR: folder};
  return {command: [process.execPath, projectFile('src/main.ts')], env: {PORT: String(port), ...ours, ...limits}, port};
}

/** In turn, so that what else the machine does meets all of them. */
async function compareRates(): Promise<void> {
  const found = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++)
    for (const [name, {url, pids}] of Object.entries(contenders))
      found.set(name, [...(found.get(name) ?? []), await measure({url, pids, connections: 32, seconds})]);
  console.log(
    '\n| 32 connections, 5 bytes | requests/s, median (min–max) | p99 µs | CPU µs a call, with what it started | errors |\n| --- | --- | --- | --- | --- |',
  );
  for (const [name, all] of found) {
    const rates = all.map(({requestsPerSecond}) => Math.round(requestsPerSecond)).sort((a, b) => a - b);
    const errors = all.reduce((sum, each) => sum + each.errors, 0);
    const cells = [
      `${median(rates)} (${rates[0]}–${rates.at(-1)})`,
      median(all.map(each => each.p99Us)),
      Math.round(median(all.map(each => each.cpuUs))),
    ];
    console.log(`| ${[name, ...cells, errors].join(' | ')} |`);
  }
  const rate = (name: string) => median((found.get(name) ?? []).map(each => each.requestsPerSecond));
  bound('of nginx’s rate', rate('core') / rate('nginx'), 0.6);
  bound('of a plain Node proxy’s rate', rate('core') / rate('a plain proxy in Node'), 0);
  bound('times of-watchdog’s rate', rate('core') / rate('of-watchdog'), 1.5);
}

function bound(what: string, value: number, least: number): void {
  if (Number.isNaN(value)) return;
  console.log(`${value.toFixed(2)} ${what}${least > 0 ? `, at least ${least}` : ''}`);
  if (value < least) broken.push(`broken: ${value.toFixed(2)} ${what}, and not ${least}`);
}

/** 1 GiB in each direction. The memory of the core process alone counts. */
async function passBytes(): Promise<void> {
  const resident = () => residentMemory(core.pids).find(({pid}) => core.pids.includes(pid))?.bytes ?? Number.NaN;
  for (const [direction, pass] of [
    ['down', download],
    ['up', upload],
  ] as const) {
    const before = resident();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, resident());
    }, 20);
    const began = performance.now();
    const passed = await pass();
    clearInterval(watch);
    const took = (performance.now() - began) / 1000;
    console.log(
      `1 GiB ${direction}: ${took.toFixed(1)} s, memory ${mib(before)} → at most ${mib(most)} MiB${passed === bytes ? '' : `, BUT ${passed} bytes`}`,
    );
    if (passed !== bytes) broken.push(`broken: ${passed} bytes of 1 GiB came ${direction}`);
    if (most - before > mostGrowth) broken.push(`broken: ${mib(most - before)} MiB more while 1 GiB passed ${direction}`);
  }
}

async function download(): Promise<number> {
  const answer = await get('long', {'X-Bytes': String(bytes)});
  let passed = 0;
  for await (const piece of answer) passed += piece.length;
  return passed;
}

function upload(): Promise<number> {
  const {promise, resolve, reject} = Promise.withResolvers<number>();
  const request = http.request(`${core.url}sink`, {method: 'POST', headers: {'Content-Length': bytes}}, async answer => {
    let text = '';
    for await (const piece of answer) text += piece;
    resolve(Number(text));
  });
  request.once('error', reject);
  const piece = Buffer.alloc(2 ** 16);
  let left = bytes;
  const write = () => {
    while (left > 0) {
      left -= piece.length;
      if (!request.write(piece)) return request.once('drain', write);
    }
    return request.end();
  };
  write();
  return promise;
}

/** 1,000 that say nothing, and ordinary calls beside them. */
async function holdStreams(): Promise<void> {
  const load = {url: core.url, connections: 16, seconds};
  const without = median((await times(rounds, () => measure(load))).map(each => each.p99Us));
  const streams = await Promise.all(Array.from({length: 1000}, () => get('events')));
  const beside = median((await times(rounds, () => measure(load))).map(each => each.p99Us));
  for (const stream of streams) stream.destroy();
  console.log(
    `p99 of other calls: ${without} µs; beside 1,000 open streams ${beside} µs, ${(beside / without).toFixed(2)} times, at most 2`,
  );
  if (beside > 2 * without) broken.push(`broken: other calls take ${(beside / without).toFixed(2)} times as long beside 1,000 streams`);
}

async function times<T>(count: number, run: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let time = 0; time < count; time++) all.push(await run());
  return all;
}

function get(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(core.url + path, {agent: false, headers}, resolve).once('error', reject);
  return promise;
}

async function untilReady(url: string): Promise<void> {
  while ((await fetch(url)).status !== 200);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function mib(size: number): number {
  return Math.round(size / 2 ** 20);
}
