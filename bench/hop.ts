import {fork} from 'node:child_process';
import {once} from 'node:events';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import got from 'got';
import {Pool, request} from 'undici';
import {systemClock} from '../src/clock.ts';
import type {Hop} from '../src/hop/hop.ts';
import type {RuntimeCall} from '../src/runtime.ts';
import {Upstream} from '../src/workers/hop/http.ts';
import {projectFile} from '../test/helpers/core.ts';
import {markdownTable, median, shown, spreadOf} from './figures.ts';
import {measureCalls, startOnChannel} from './on-channel.ts';
import {loadBefore, machine, ratesOf} from './program.ts';
import {sampleRuntimeCall} from './requests.ts';
import {bridgeFile, bridgeProgram, endWithUs, start} from './servers.ts';

/*
Which way to call a sub-runtime, and what each costs on both sides. First our Node bridge in the two ways that the core knows:
frames on the channel, and HTTP at the port. Then clients of HTTP: the same POST of 1 KB to a server that reads nothing.

    node bench/hop.ts [rounds] [seconds]
*/

const [rounds = 3, seconds = 1] = process.argv.slice(2).map(Number);
const atOnceOfClients = 32;

if (process.send) await serveBare();
else await raceWays();

async function raceWays(): Promise<void> {
  console.log(`${machine()}, ${rounds} rounds of ${seconds} s, in turn, ${loadBefore()}\n`);
  const head = ['way', 'calls/s (min–max)', 'p50 ms', 'CPU here, µs each', 'CPU there, µs each', 'both, µs', 'errors'];
  for (const [title, handler, bytes, atOnce] of [
    ['A small call of the Node bridge, 32 at a time', 'message', 0, 32],
    ['A small call of the Node bridge, one at a time', 'message', 0, 1],
    ['1 MiB in and out of the Node bridge, 8 at a time', 'echo', 2 ** 20, 8],
  ] as const) {
    await using stack = new AsyncDisposableStack();
    const env = {SCW_HANDLER_PATH: projectFile(`bench/functions/${handler}.cjs`)};
    const onChannel = await startOnChannel({command: [process.execPath, bridgeFile], env, concurrency: 100}, stack);
    if (!onChannel) throw new Error('Expected the Node bridge to be on the channel');
    const {url, pids} = await start(await bridgeProgram(handler), stack);
    const call = sampleRuntimeCall(bytes);
    const rows = await raceHops(
      {
        'frames on the channel': {hop: onChannel.hop, pids: [onChannel.pid], call},
        'HTTP at the port, undici': {hop: upstream(Number(new URL(url).port)), pids, call},
      },
      atOnce,
    );
    console.log(`${title}:\n\n${markdownTable(head, rows)}\n`);
  }
  const {clients, pids, close} = await openClients();
  const call = sampleRuntimeCall(0);
  const hops = Object.fromEntries(Object.entries(clients).map(([name, send]) => [name, {hop: asHop(send), pids, call}]));
  console.log(
    `Clients of HTTP, 1 KB to a server that reads nothing, ${atOnceOfClients} at a time:\n\n${markdownTable(head, await raceHops(hops, atOnceOfClients))}`,
  );
  await close();
  process.exit();
}

interface Way {
  readonly hop: Hop;
  readonly pids: readonly number[];
  call(): RuntimeCall;
}

async function raceHops(ways: Readonly<Record<string, Way>>, atOnce: number): Promise<string[][]> {
  const results = new Map(Object.keys(ways).map((name): [string, Awaited<ReturnType<typeof measureCalls>>[]] => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, {hop, pids, call}] of Object.entries(ways)) {
      const found = await measureCalls(hop, call, {atOnce, seconds, pids});
      if (round > 0) results.get(name)?.push(found); // the first round warms up
    }
  }
  return [...results].map(([name, runs]) => {
    const [here, there] = [median(runs.map(each => each.ownCpuUs)), median(runs.map(each => each.cpuUs))];
    const errors = runs.reduce((sum, each) => sum + each.errors, 0);
    const cpu = [here, there, here + there].map(each => each.toFixed(1));
    return [name, shown(spreadOf(ratesOf(runs))), (median(runs.map(each => each.p50Us)) / 1000).toFixed(3), ...cpu, String(errors)];
  });
}

function upstream(port: number): Upstream {
  return new Upstream({host: '127.0.0.1', port, connections: atOnceOfClients, maxReplyBytes: 64 * 2 ** 20, bridgeToken: ''}, systemClock);
}

/** A client that sends a text of its own, whatever the call. */
function asHop(send: () => Promise<unknown>): Hop {
  return {
    isChannel: false,
    isUnasked: true,
    isDoubtful: false,
    isSilent: false,
    destroy: () => {},
    send: async () => {
      await send();
      return {status: 200, json: undefined, content: undefined};
    },
  };
}

async function openClients() {
  const child = fork(import.meta.filename);
  endWithUs(child);
  const [port] = (await once(child, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/`;
  const body = JSON.stringify({event: 'x'.repeat(1000)});
  const headers = {'content-type': 'application/json'};
  const agent = new http.Agent({keepAlive: true, maxSockets: atOnceOfClients});
  const gotAgent = new http.Agent({keepAlive: true, maxSockets: atOnceOfClients});
  const pool = new Pool(`http://127.0.0.1:${port}`, {connections: atOnceOfClients, pipelining: 1});
  const ours = upstream(port);
  const far = systemClock.monotonic() + 600_000;
  const call = {invocationId: 'x', deadlineMs: 0, deadline: far, timeoutMs: 0, signal: undefined, trace: undefined};
  const clients: Record<string, () => Promise<unknown>> = {
    'undici dispatch (ours)': () => ours.post(body, call, () => {}),
    'undici request': async () => (await request(url, {dispatcher: pool, method: 'POST', headers, body})).body.text(),
    'node:http Agent': () => viaNodeHttp({port, agent, headers, body}),
    got: () => got.post(url, {body, headers, agent: {http: gotAgent}, retry: {limit: 0}, followRedirect: false}).text(),
  };
  const close = async () => {
    child.kill();
    await pool.close();
    agent.destroy();
    gotAgent.destroy();
  };
  return {clients, pids: [child.pid ?? 0], close};
}

async function serveBare(): Promise<void> {
  const server = http.createServer((incoming, response) => {
    const text = '{"statusCode":201,"body":{"message":"x"}}';
    incoming
      .resume()
      .on('end', () => response.writeHead(200, {'Content-Type': 'application/json', 'Content-Length': text.length}).end(text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
}

function viaNodeHttp({port, agent, headers, body}: {port: number; agent: http.Agent; headers: Record<string, string>; body: string}) {
  return new Promise<string>((resolve, reject) => {
    const call = http.request(
      {host: '127.0.0.1', port, method: 'POST', agent, headers: {...headers, 'content-length': Buffer.byteLength(body)}},
      response => {
        let text = '';
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
