import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import {systemClock as clock} from '../../src/clock.ts';
import {openTelemetry} from '../../src/observe/traces/telemetry.ts';
import {Callbacks} from '../../src/work/callback/callbacks.ts';
import {readCallbackHosts} from '../../src/work/callback-hosts.ts';
import {recordingLog} from '../helpers/fakes.ts';
import {kinds, openReceiver} from '../helpers/otlp.ts';

test('a post of a reply is one span, which the receiver can go on from', async t => {
  const collector = await openReceiver();
  t.teardown(() => collector.close());
  Object.assign(process.env, collector.env); // the exporter reads it there
  const identity = {functionName: 'hello', functionVersion: '', instance: 'a', memoryBytes: 1};
  const telemetry = await openTelemetry(identity, {env: collector.env, clock, lost() {}, log: recordingLog()});
  let traceparent: unknown;
  const hooks = createServer(({headers}, response) => {
    ({traceparent} = headers);
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  t.teardown(() => hooks.close());
  await new Promise(resolve => hooks.once('listening', resolve));
  const hosts = readCallbackHosts('http://127.0.0.1');
  if (!hosts) return t.fail();
  const {spans} = telemetry;
  const callbacks = new Callbacks({hosts, keys: [Buffer.alloc(32)], clock, log: recordingLog(), spans, isAllowed: () => true});
  const sender = {traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331'};
  const {port} = hooks.address() as AddressInfo;
  const callback = `http://127.0.0.1:${port}/done?key=secret`;
  const item = {id: 'id-1', callback, traceparent: `00-${sender.traceId}-${sender.spanId}-01`};
  const posted = await callbacks.deliver(item, async () => ({status: 200, headers: [], body: 'the reply'}));
  await callbacks[Symbol.asyncDispose]();
  await telemetry[Symbol.asyncDispose]();

  t.is(posted, 'delivered');
  const [span, ...more] = collector.spans;
  t.deepEqual(more, [], 'the instrumentation makes no second one');
  t.like(span, {name: 'POST', kind: kinds.client});
  t.like(span?.links?.[0], sender);
  t.is(traceparent, `00-${span?.traceId}-${span?.spanId}-03`);
  t.false(JSON.stringify(collector.spans).includes('secret'));
});
