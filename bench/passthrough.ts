import http, {type IncomingMessage} from 'node:http';
import {loadavg} from 'node:os';
import {projectFile} from '../test/helpers/core.ts';
import {median} from './figures.ts';
import {chooseGenerator, measure} from './load.ts';
import {type Behind, startContenders} from './passthrough/contenders.ts';
import {compareRates} from './passthrough/rates.ts';
import {Peers} from './peers.ts';
import {residentMemory} from './processes.ts';
import type {Server} from './servers.ts';

/*
What it costs to stand in front of an HTTP server (CORE_PROTOCOL=http):

    node bench/passthrough.ts [rounds] [seconds]

Rates beside nginx, a plain proxy in Node and of-watchdog, in front of the same server: once one that does next to nothing, once
Express; the core's memory while 1 GiB passes in each direction; and what 1,000 open event streams cost other calls. Ends with
1 when a bound is broken.
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

const {core} = await compare({title: 'A server of node:http that does next to nothing', main: server, env: {}});
const {modules, version} = await peers.install('express@5');
const express = {main: projectFile('bench/peers/passed-express.cjs'), env: {NODE_PATH: modules, NODE_ENV: 'production'}};
await compare({title: `Express ${version}, an object as JSON`, ...express});
if (!core) throw new TypeError('Expected the core to have started');
await passBytes(core);
await holdStreams(core);
if (broken.length > 0) {
  console.log(`\n${broken.join('\n')}`);
  process.exitCode = 1;
}

async function compare(behind: Behind): Promise<Record<string, Server>> {
  const contenders = await startContenders(behind, peers, stack);
  const rate = await compareRates(behind.title, contenders, {rounds, seconds});
  bound('of nginx’s rate', rate('core') / rate('nginx'), 0.6);
  bound('of a plain Node proxy’s rate', rate('core') / rate('a plain proxy in Node'), 0);
  bound('times of-watchdog’s rate', rate('core') / rate('of-watchdog'), 1.5);
  return contenders;
}

function bound(what: string, value: number, least: number): void {
  if (Number.isNaN(value)) return;
  console.log(`${value.toFixed(2)} ${what}${least > 0 ? `, at least ${least}` : ''}`);
  if (value < least) broken.push(`broken: ${value.toFixed(2)} ${what}, and not ${least}`);
}

/** 1 GiB in each direction. The memory of the core process alone counts. */
async function passBytes(core: Server): Promise<void> {
  const resident = () => residentMemory(core.pids).find(({pid}) => core.pids.includes(pid))?.bytes ?? Number.NaN;
  for (const [direction, pass] of [
    ['down', () => download(core)],
    ['up', () => upload(core)],
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

async function download({url}: Server): Promise<number> {
  const answer = await get(`${url}long`, {'X-Bytes': String(bytes)});
  let passed = 0;
  for await (const piece of answer) passed += piece.length;
  return passed;
}

function upload({url}: Server): Promise<number> {
  const {promise, resolve, reject} = Promise.withResolvers<number>();
  const request = http.request(`${url}sink`, {method: 'POST', headers: {'Content-Length': bytes}}, async answer => {
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
async function holdStreams(core: Server): Promise<void> {
  const load = {url: core.url, connections: 16, seconds};
  const without = median((await times(rounds, () => measure(load))).map(each => each.p99Us));
  const streams = await Promise.all(Array.from({length: 1000}, () => get(`${core.url}events`)));
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

function get(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
  http.get(url, {agent: false, headers}, resolve).once('error', reject);
  return promise;
}

function mib(size: number): number {
  return Math.round(size / 2 ** 20);
}
