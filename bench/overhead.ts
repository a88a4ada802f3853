import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import http from 'node:http';
import type {AddressInfo} from 'node:net';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Readable} from 'node:stream';
import {eventWriter} from '../middleware/event/write.ts';
import {freePort} from '../src/workers/port.ts';
import {projectFile, startCore} from '../test/helpers/core.ts';
import {race, table} from './load.ts';

/*
What the core costs: the Node bridge called directly, beside the same bridge behind the core, with tracing off and on
(every request sampled and exported). Prints a table for one connection and one for 32.

    node bench/overhead.ts [rounds] [seconds]
*/

const [rounds = 3, seconds = 5] = process.argv.slice(2).map(Number);
const handler = projectFile('bench/functions/message.cjs');

const bridgePort = await freePort('127.0.0.1');
const bridge = spawn(process.execPath, [projectFile('runtimes/node/bridge.cjs')], {
  env: {SCW_UPSTREAM_PORT: String(bridgePort), SCW_HANDLER_PATH: handler, SCW_HANDLER_NAME: 'handle', CORE_BRIDGE_FD: '3'},
  stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
});
await once(bridge.stdio[3] as Readable, 'data'); // its load report; 'pipe' makes it readable

const sink = http.createServer((request, response) => request.resume().on('end', () => response.end('{}')));
sink.listen(0, '127.0.0.1');
await once(sink, 'listening');
const collector = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;

const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: handler, CORE_LOG_LEVEL: 'info'};
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const plain = await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/plain.db`});
const traced = await startCore({...env, CORE_JOURNAL: `sqlite:${folder}/traced.db`, OTEL_EXPORTER_OTLP_ENDPOINT: collector});
const unjournaled = await startCore({...env, CORE_JOURNAL_HTTP: 'off'});

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds of ${seconds} s\n`);
for (const connections of [32, 1]) {
  const ofCore = {connections, seconds, headers: {Accept: '*/*'}};
  const results = await race(
    [
      {
        name: 'bridge called directly',
        load: {url: `http://127.0.0.1:${bridgePort}/`, connections, seconds, method: 'POST', body: sampleCall()},
      },
      {name: 'core, tracing off', load: {url: plain.url, ...ofCore}},
      {name: 'core, tracing on', load: {url: traced.url, ...ofCore}},
      {name: 'core, tracing off, no facts', load: {url: unjournaled.url, ...ofCore}},
    ],
    rounds,
  );
  console.log(`${connections} connection${connections > 1 ? 's' : ''}\n\n${table(results)}\n`);
}

await Promise.all([plain.stop(), traced.stop(), unjournaled.stop()]);
bridge.kill();
rmSync(folder, {recursive: true});
sink.closeAllConnections();
sink.close();

/** The very text that the core sends for such a request. */
function sampleCall(): string {
  const write = eventWriter({
    functionName: '',
    functionVersion: '',
    memoryMb: 128,
    handlerPath: handler,
    handlerName: 'handle',
    base64: 'exact',
  });
  const input = {
    eventType: 'http',
    method: 'GET',
    path: '/',
    query: '',
    headers: ['Host', 'localhost', 'Accept', '*/*'],
    body: Buffer.alloc(0),
    sourceIp: '127.0.0.1',
  };
  const {head, tail} = write(input, {id: '01a2068b-f0ed-7c75-9692-646cebce9a7c', deadlineMs: 0, credential: undefined});
  return `${head}{}${tail}`;
}
