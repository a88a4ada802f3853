import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {startCore} from '../helpers/core.ts';
import {writtenLines} from '../helpers/lines.ts';
import {ask} from '../helpers/request.ts';

const handler = `
const {appendFileSync} = require('node:fs');
exports.handle = async event => {
  appendFileSync(process.env.CALLS, event.headers['Ce-Id'] + ' ' + event.body + '\\n');
  return {statusCode: event.body === '"fail"' ? 418 : 201, body: event.headers['Ce-Type'] ?? 'no event'};
};`;

async function place(t: ExecutionContext, env: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'cloud-events-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  await writeFile(join(folder, 'handler.js'), handler);
  await writeFile(join(folder, 'calls'), '');
  const own = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: join(folder, 'handler.js'), SCW_HANDLER_NAME: 'handle', CALLS: join(folder, 'calls')};
  const core = await startCore({...own, CORE_JOURNAL: `sqlite:${folder}/journal.db`, ...env}, t);
  return {
    calls: () => writtenLines(join(folder, 'calls')).toSorted(),
    send: (type: string, body: unknown, headers: Record<string, string> = {}) =>
      ask(core.url, {method: 'POST', headers: {'content-type': type, ...headers}, body: JSON.stringify(body)}),
  };
}

const [structured, batched] = ['application/cloudevents+json', 'application/cloudevents-batch+json'];
const event = (id: string, data: unknown = id) => ({specversion: '1.0', id, source: '/shop', type: 'order.placed', data});

test('without CORE_CLOUDEVENTS the body of every request belongs to the function', async t => {
  const {send, calls} = await place(t, {});
  t.is((await send(structured, event('1'))).body.toString(), 'no event');
  t.deepEqual(calls(), [`undefined ${JSON.stringify(event('1'))}`]);
});

test('events are called with, one by one; a batch that is sent again as work runs once', async t => {
  const {send, calls} = await place(t, {CORE_CLOUDEVENTS: 'on', CORE_WORK: 'on'});
  const one = await send(structured, event('1'));
  t.deepEqual([one.status, one.body.toString()], [201, 'order.placed']);
  const some = await send(batched, [event('2'), event('3')]);
  t.deepEqual(
    JSON.parse(some.body.toString()).map(({id, status}: {id: string; status: number}) => [id, status]),
    [
      ['2', 201],
      ['3', 201],
    ],
  );
  const failed = await send(batched, [event('4', 'fail')]);
  t.deepEqual([failed.status, failed.field('core-error')], [500, 'BATCH_FAILED']);
  const sent = async () => (await send(batched, [event('5'), event('6')], {prefer: 'respond-async'})).body.toString();
  const first = await sent();
  t.deepEqual(
    JSON.parse(first).map(({status}: {status: number}) => status),
    [202, 202],
  );
  t.is(await sent(), first, 'the same invocations');
  while (calls().length < 6) await new Promise(resolve => setTimeout(resolve, 10));
  t.deepEqual(calls(), ['1 "1"', '2 "2"', '3 "3"', '4 "fail"', '5 "5"', '6 "6"']);
});
