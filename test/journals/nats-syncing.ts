import http from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {Syncing} from '../../src/journals/nats/syncing.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog} from '../helpers/fakes.ts';

/* Servers that are watched while they change: they are restarted otherwise, replaced, or away. */

interface Server {
  name: string;
  /** Undefined: it does not answer. */
  syncs: boolean | undefined;
  version: string;
}

async function watched(t: ExecutionContext, names = ['n0', 'n1', 'n2']) {
  const servers: Server[] = names.map(name => ({name, syncs: true, version: '2.15.3'}));
  const counts = {looks: 0};
  const addresses = await Promise.all(
    servers.map(async server => {
      const listener = http.createServer((request, response) => {
        counts.looks++;
        const {name, syncs, version} = server;
        if (syncs === undefined || request.url !== '/varz') return response.destroy();
        response.end(
          JSON.stringify({server_id: name, server_name: name, version, jetstream: {config: {...(syncs && {sync_always: true})}}}),
        );
      });
      t.teardown(() => listener.close());
      await new Promise<void>(resolve => void listener.listen(0, '127.0.0.1', resolve));
      const address = listener.address();
      return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    }),
  );
  const [clock, log] = [new ManualClock(), recordingLog()];
  const syncing = new Syncing({clock, log, given: addresses.join(), hosts: [], replicas: 3});
  await syncing.begin();
  const levels = () => log.lines.map(({level}) => level);
  return {servers, counts, clock, log, levels, syncing, addresses};
}

const info = (leader: string, ...others: string[]) => ({cluster: {leader, replicas: others.map(name => ({name}))}});

/** Until what was begun has ended. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve));
}

test('a server that is restarted without sync makes receipts weaker, which is said once, until it syncs again', async t => {
  const {servers, syncing, log, levels} = await watched(t);
  t.deepEqual([syncing.synced, syncing.durability, syncing.seen], ['seen', 'replicated', {isSeen: true, unseen: []}]);
  const [, one] = servers;
  if (!one) return t.fail();
  one.syncs = false;
  await syncing.look();
  await syncing.look();
  t.deepEqual([syncing.synced, syncing.durability, syncing.seen], ['no', 'process', {isSeen: false, unseen: ['n1']}]);
  t.deepEqual(levels(), ['warn']);
  t.deepEqual(log.lines[0]?.fields, {durability: 'process', servers: ['n1']});
  one.syncs = true;
  await syncing.look();
  t.deepEqual([syncing.synced, syncing.durability], ['seen', 'replicated']);
  t.deepEqual(levels(), ['warn', 'info']);
});

test('a server that is away counts as what it was; one that was never seen does not count', async t => {
  const {servers, syncing, levels, clock, log, addresses} = await watched(t);
  const [, one] = servers;
  if (!one) return t.fail();
  one.syncs = undefined;
  await syncing.look();
  t.is(syncing.synced, 'seen');
  t.deepEqual(levels(), []);
  const later = new Syncing({clock, log, given: addresses.join(), hosts: [], replicas: 3});
  await later.begin();
  t.deepEqual([later.synced, later.seen], ['no', {isSeen: false, unseen: [addresses[1] ?? '']}]);
  one.syncs = true;
  await later.look();
  t.is(later.synced, 'seen', 'a core that started while it was away promises more once it is back');
});

test('a server that has a copy and that nobody watches makes receipts weaker', async t => {
  const {syncing, levels} = await watched(t);
  syncing.heard(info('n0', 'n1', 'n2'));
  t.is(syncing.synced, 'seen');
  syncing.heard(info('n0', 'n1', 'n3'));
  t.deepEqual(syncing.seen, {isSeen: false, unseen: ['n3']});
  t.deepEqual(levels(), ['warn']);
});

test('it is looked again when another server leads, and each minute', async t => {
  const {syncing, counts, clock, servers} = await watched(t);
  syncing.heard(info('n0', 'n1', 'n2'));
  syncing.heard(info('n0', 'n1', 'n2'));
  t.is(counts.looks, 3, 'that of the start');
  for (const server of servers) server.syncs = false;
  syncing.heard(info('n1', 'n0', 'n2'));
  await until(() => syncing.synced === 'no');
  for (const server of servers) server.syncs = true;
  await clock.advance(60_000);
  syncing.heard(info('n1', 'n0', 'n2'));
  await until(() => syncing.synced === 'seen');
  t.is(counts.looks, 9);
});

test('what a setting asserts is looked at by nobody; two addresses of one server are one', async t => {
  const {clock, log, addresses} = await watched(t, ['n0', 'n1']);
  const asserted = new Syncing({clock, log, given: 'asserted', hosts: ['127.0.0.1:9'], replicas: 3});
  await asserted.begin();
  asserted.heard(info('n9'));
  await asserted.look();
  t.deepEqual([asserted.synced, asserted.durability, asserted.seen], ['asserted', 'replicated', undefined]);
  const [first = '', second = ''] = addresses;
  const twice = new Syncing({clock, log, given: `${first}, ${second} ,${first}/`, hosts: [], replicas: 3});
  await twice.begin();
  t.deepEqual([twice.synced, twice.seen], ['no', {isSeen: false, unseen: []}]);
});

test('a stream that is given fewer copies while cores run makes receipts weaker, also where nobody watches', async t => {
  const {syncing, levels, clock, log} = await watched(t);
  const asserted = new Syncing({clock, log, given: 'asserted', hosts: [], replicas: 3});
  await asserted.begin();
  for (const each of [syncing, asserted]) {
    each.heard({config: {num_replicas: 3}, ...info('n0', 'n1', 'n2')});
    t.is(each.durability, 'replicated');
    each.heard({config: {num_replicas: 1}, ...info('n0')});
    t.is(each.durability, 'fsync');
    each.heard(info('n0'));
    t.is(each.durability, 'fsync');
    each.heard({config: {num_replicas: 3}, ...info('n0', 'n1', 'n2')});
    t.is(each.durability, 'replicated');
  }
  t.deepEqual(levels(), ['warn', 'warn', 'warn', 'warn']);
});
