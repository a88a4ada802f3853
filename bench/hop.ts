import {fork} from 'node:child_process';
import {once} from 'node:events';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import {cpus} from 'node:os';
import got from 'got';
import {Pool, request} from 'undici';
import {systemClock} from '../src/clock.ts';
import {Upstream} from '../src/workers/hop/http.ts';

/*
Which client for the loopback hop: the same POST of 1 KB, 32 at a time, to a bare server in another process.

    node bench/hop.ts [rounds] [calls]
*/

const [rounds = 3, calls = 20_000] = process.argv.slice(2).map(Number);
const atOnce = 32;

if (process.send) await serveBare();
else await raceClients();

async function serveBare(): Promise<void> {
  const server = http.createServer((incoming, response) => {
    const reply = '{"statusCode":201,"body":{"message":"x"}}';
    incoming
      .resume()
      .on('end', () => response.writeHead(200, {'Content-Type': 'application/json', 'Content-Length': reply.length}).end(reply));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
}

async function raceClients(): Promise<void> {
  const child = fork(import.meta.filename);
  const [port] = (await once(child, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/`;
  const body = JSON.stringify({event: 'x'.repeat(1000)});
  const headers = {'content-type': 'application/json'};
  const agent = new http.Agent({keepAlive: true, maxSockets: atOnce});
  const gotAgent = new http.Agent({keepAlive: true, maxSockets: atOnce});
  const pool = new Pool(`http://127.0.0.1:${port}`, {connections: atOnce, pipelining: 1});
  const options = {host: '127.0.0.1', port, connections: atOnce, maxReplyBytes: 1e6, bridgeToken: 'x'};
  const upstream = new Upstream(options, systemClock);
  const far = systemClock.monotonic() + 600_000;
  const clients: Record<string, () => Promise<unknown>> = {
    'undici dispatch (ours)': () =>
      upstream.post(body, {invocationId: 'x', deadlineMs: 0, deadline: far, timeoutMs: 0, signal: undefined, trace: undefined}, () => {}),
    'undici request': async () => (await request(url, {dispatcher: pool, method: 'POST', headers, body})).body.text(),
    'node:http Agent': () => viaNodeHttp({port, agent, headers, body}),
    got: () => got.post(url, {body, headers, agent: {http: gotAgent}, retry: {limit: 0}, followRedirect: false}).text(),
  };
  const rates = new Map<string, number[]>(Object.keys(clients).map(name => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, call] of Object.entries(clients)) {
      const rate = await callsPerSecond(call);
      if (round > 0) rates.get(name)?.push(rate); // the first round warms up
    }
  }
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds of ${calls} calls, ${atOnce} at a time\n`);
  console.log('| client | calls/s (min–max) |\n| --- | --- |');
  for (const [name, list] of rates) {
    const [least, middle, most] = [0, Math.floor(list.length / 2), list.length - 1].map(index =>
      Math.round(list.toSorted((a, b) => a - b)[index] ?? 0),
    );
    console.log(`| ${name} | ${middle} (${least}–${most}) |`);
  }
  child.kill();
  await pool.close();
  agent.destroy();
  gotAgent.destroy();
  process.exit();
}

async function callsPerSecond(call: () => Promise<unknown>): Promise<number> {
  let left = calls;
  const started = systemClock.monotonic();
  const work = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({length: atOnce}, work));
  return (calls / (systemClock.monotonic() - started)) * 1000;
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
