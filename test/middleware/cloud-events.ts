import test from 'ava';
import {authPublic} from '../../middleware/auth.ts';
import {Succeeded} from '../../middleware/cloud-events/succeeded.ts';
import {cloudEvents} from '../../middleware/cloud-events.ts';
import {chain, deliverThrough} from '../../middleware/index.ts';
import {trace} from '../../middleware/trace.ts';
import {trigger} from '../../middleware/trigger.ts';
import type {Carrier, RequestInput} from '../../src/delivery.ts';
import type {Invocation} from '../../src/invocation.ts';
import {Budget} from '../../src/limits/budget.ts';
import {passingSpans} from '../../src/observe/traces/spans.ts';
import {ManualClock} from '../helpers/clock.ts';
import {FakeDelivery, fieldMap, recordingLog, recordingMeter} from '../helpers/fakes.ts';

/* What a function gets of a CloudEvent, and what its sender gets. */

const structured = 'application/cloudevents+json; charset=utf-8';
const batched = 'application/cloudevents-batch+json';
const event = {specversion: '1.0', id: '1', source: '/shop', type: 'order.placed'};

interface Options {
  readonly takesWork?: boolean;
  /** Status for an event, by its `ce-id`. */
  readonly statusOf?: (id: string) => number;
}

function place({takesWork = false, statusOf = () => 200}: Options = {}) {
  const clock = new ManualClock(1_764_000_000_000);
  const seen: {input: RequestInput; headers: Record<string, string[]>; invocation: Invocation; key: string}[] = [];
  const stages = chain([
    trace({spans: passingSpans, meter: recordingMeter(), log: recordingLog(), clock}),
    authPublic(),
    cloudEvents({
      takesWork,
      clock,
      meter: recordingMeter(),
      budget: new Budget(2 ** 20, clock),
      deliver: (delivery, carrier) => deliver(delivery, carrier),
    }),
    trigger(),
    async function answer(ctx) {
      const {state: invocation} = ctx;
      const input = invocation.input as RequestInput;
      const headers = fieldMap(input.headers);
      seen.push({input, headers, invocation, key: (invocation.wishes ?? ctx).get('idempotency-key')});
      invocation.delivery.called?.();
      const result = {status: statusOf(headers['ce-id']?.[0] ?? ''), headers: ['Core-Invocation-Id', invocation.id], body: 'done'};
      invocation.delivery.reply(result);
      invocation.result = result;
    },
  ]);
  const deliver = deliverThrough(stages, clock);
  return {
    seen,
    clock,
    async send(contentType: string, body: string | Buffer, fields: Record<string, string> = {}) {
      const all: Record<string, string> = {'content-type': contentType, ...fields};
      const input = {headers: Object.entries(all).flat(), body: Buffer.from(body), path: '/orders', method: 'POST'};
      const delivery = Object.assign(new FakeDelivery({input}), {source: 'http'});
      const carrier: Carrier = {get: field => all[field.toLowerCase()] ?? '', state: undefined};
      await deliver(delivery, carrier);
      const [reply] = delivery.replies;
      return {status: reply?.status, body: String(reply?.body).trimEnd(), code: reply?.fault?.code, count: delivery.replies.length};
    },
  };
}

const refused: [title: string, type: string, body: string | Buffer, problem: RegExp][] = [
  ['that is no JSON', structured, '{', /^The CloudEvent: expected JSON: /],
  ['that is no UTF-8', structured, Buffer.from([0x22, 0xff, 0x22]), /^The CloudEvent: expected UTF-8$/],
  ['that is a list', structured, '[]', /^The CloudEvent: expected a JSON object$/],
  ['without an id', structured, JSON.stringify({...event, id: ''}), /^The CloudEvent: expected `id` to be a text$/],
  ['of another version', structured, JSON.stringify({...event, specversion: '0.3'}), /expected `specversion` to be 1\.0$/],
  ['with data twice', structured, JSON.stringify({...event, data: 1, data_base64: ''}), /`data` and `data_base64` exclude each other$/],
  ['with data that is no base64', structured, JSON.stringify({...event, data_base64: 'a?'}), /expected `data_base64` to be base64$/],
  [
    'with an attribute that is a list',
    structured,
    JSON.stringify({...event, tags: []}),
    /expected `tags` to be a text, an integer, true or false$/,
  ],
  ['with an attribute that no header can name', structured, JSON.stringify({...event, 'a\r\nb': 'x'}), /names of attributes/],
  ['with a type of two lines', structured, JSON.stringify({...event, datacontenttype: 'a\r\nb: c'}), /expected `datacontenttype`/],
  ['in a batch that is no list', batched, '{}', /^The batch of CloudEvents: expected a JSON array$/],
  ['that is the second of a batch', batched, JSON.stringify([event, {}]), /^CloudEvent 2 of 2: expected `specversion`/],
  ['with a thousand others', batched, JSON.stringify(Array.from({length: 1001}, () => event)), /expected at most 1000 events, got 1001$/],
];
for (const [title, type, body, problem] of refused) {
  test(`an event ${title} is refused, and the function is not called`, async t => {
    const {seen, send} = place();
    const answer = await send(type, body);
    t.is(answer.status, 400);
    t.regex(answer.body, problem);
    t.is(answer.count, 1);
    t.deepEqual(seen, []);
  });
}

test('an event in headers without an id, or with an id that is no UTF-8, is refused', async t => {
  const fields = {'ce-specversion': '1.0', 'ce-source': '/shop', 'ce-type': 'order.placed'};
  t.regex((await place().send('text/plain', 'x', fields)).body, /^The CloudEvent: expected `id` to be a text$/);
  t.regex((await place().send('text/plain', 'x', {...fields, 'ce-id': '%C0%A0'})).body, /expected `ce-id` to be percent-encoded UTF-8$/);
});

test('a request that is no event, and formats other than JSON, pass unchanged', async t => {
  const {seen, send} = place();
  for (const type of ['application/json', 'application/cloudevents+avro', 'application/cloudevents+jsonish']) {
    t.is((await send(type, '{"id": 1}')).status, 200);
    t.is(String(seen.at(-1)?.input.body), '{"id": 1}');
    t.deepEqual(seen.at(-1)?.headers['content-type'], [type]);
  }
});

test('the attributes of an event become headers, and its data the body, as it was sent', async t => {
  const {seen, send} = place();
  const json =
    '{"data" : {"n": 1e400, "big": 12345678901234567890} , "specversion":"1.0","id":"Ä 1%\\"","source":"/shop","type":"t","sampled":true,"n":7,"gone":null}';
  await send(structured, json, {'x-tenant': 'a', 'ce-id': 'other', 'content-length': '999'});
  t.deepEqual(seen[0]?.headers, {
    'x-tenant': ['a'],
    'content-type': ['application/json'],
    'ce-specversion': ['1.0'],
    'ce-id': ['%C3%84%201%25%22'],
    'ce-source': ['/shop'],
    'ce-type': ['t'],
    'ce-sampled': ['true'],
    'ce-n': ['7'],
  });
  t.is(String(seen[0]?.input.body), '{"n": 1e400, "big": 12345678901234567890}');
  t.like(seen[0]?.input, {eventType: 'http', method: 'POST', path: '/orders'});
});

test('data is what its type says: text, the JSON of a text, bytes, or nothing', async t => {
  const {seen, send} = place();
  const bodies: [more: object, body: string, type: string | undefined][] = [
    [{data: 'hi', datacontenttype: 'text/plain'}, 'hi', 'text/plain'],
    [{data: 'hi'}, '"hi"', 'application/json'],
    [{data: 'hi', datacontenttype: 'application/problem+json; a=b'}, '"hi"', 'application/problem+json; a=b'],
    [{data: {a: 1}, datacontenttype: 'text/plain'}, '{"a":1}', 'text/plain'],
    [{data_base64: 'AP8=', datacontenttype: 'image/png'}, '\u0000\u00ff', 'image/png'],
    [{data_base64: 'aGk='}, 'hi', undefined],
    [{}, '', undefined],
  ];
  for (const [more, body, type] of bodies) {
    await send(structured, JSON.stringify({...event, ...more}));
    t.is(seen.at(-1)?.input.body.toString('latin1'), body);
    t.is(seen.at(-1)?.headers['content-type']?.[0], type);
  }
});

test('each event of a batch is an invocation, also one whose data is an event', async t => {
  const {seen, send} = place();
  const events = Array.from({length: 30}, (_, n) => ({...event, id: String(n), data: n, ...(n === 7 && {datacontenttype: structured})}));
  const answer = await send(batched, JSON.stringify(events, null, 2));
  t.is(answer.status, 200);
  t.deepEqual(
    JSON.parse(answer.body),
    events.map(({id}, at) => ({id, source: '/shop', invocationId: seen[at]?.invocation.id, status: 200})),
  );
  t.deepEqual(
    seen.map(({input}) => String(input.body)),
    events.map(({data}) => String(data)),
  );
  t.is(new Set(seen.map(({invocation}) => invocation.id)).size, 30);
  t.is((await send(batched, '[]')).body, '[]');
});

test('when an event of a batch fails, the sender is told to send the batch again, and no further event begins', async t => {
  for (const [status, expected] of [
    [404, 500],
    [503, 500],
  ] as const) {
    const {seen, send} = place({statusOf: id => (id === '3' ? status : 200)});
    const events = Array.from({length: 100}, (_, n) => ({...event, id: String(n)}));
    const answer = await send(batched, JSON.stringify(events));
    t.is(answer.status, expected);
    t.is(answer.code, 'BATCH_FAILED');
    t.regex(answer.body, new RegExp(`event 4 of 100, \`3\` ended with status ${status}`));
    t.true(seen.length <= 20, `${seen.length} of 100 began`);
  }
});

test('a batch that is sent again calls only with those of its events that have not succeeded', async t => {
  const failing = new Set(['3']);
  const {seen, send, clock} = place({statusOf: id => (failing.has(id) ? 500 : 200)});
  const events = Array.from({length: 15}, (_, n) => ({...event, id: String(n), data: n}));
  const idsOf = (calls: typeof seen) => calls.map(({headers}) => headers['ce-id']?.[0]);
  t.is((await send(batched, JSON.stringify(events))).code, 'BATCH_FAILED');
  const first = seen.splice(0);
  failing.clear();
  const again = await send(batched, JSON.stringify(events));
  t.is(again.status, 200);
  const done = new Set(idsOf(first).filter(id => id !== '3'));
  t.deepEqual(
    idsOf(seen),
    events.map(({id}) => id).filter(id => !done.has(id)),
  );
  const [{invocationId}] = JSON.parse(again.body);
  t.is(invocationId, first[0]?.invocation.id, 'the reply names the call that succeeded');
  seen.length = 0;
  await send(batched, JSON.stringify(events));
  t.is(seen.length, 15, 'a batch that has succeeded is forgotten');

  failing.add('1');
  await send(batched, JSON.stringify(events.slice(0, 2)));
  seen.length = 0;
  await send(batched, JSON.stringify([{...events[0], data: 'other'}, events[1]]));
  t.deepEqual(idsOf(seen).toSorted(), ['0', '1'], 'other data under the same name is another event');
  await clock.advance(600_000);
  seen.length = 0;
  await send(batched, JSON.stringify(events.slice(0, 2)));
  t.is(seen.length, 2, 'after ten minutes it is called with again');
});

test('a function that answers 202, as receivers of events often do, has succeeded', async t => {
  const failing = new Set(['2']);
  const {seen, send} = place({statusOf: id => (failing.has(id) ? 500 : 202)});
  const events = ['1', '2'].map(id => ({...event, id}));
  t.is((await send(batched, JSON.stringify(events))).code, 'BATCH_FAILED');
  failing.clear();
  seen.length = 0;
  t.is((await send(batched, JSON.stringify(events))).status, 200);
  t.deepEqual(
    seen.map(({headers}) => headers['ce-id']?.[0]),
    ['2'],
  );
});

test('of events that have succeeded ten thousand are remembered', t => {
  const clock = new ManualClock();
  const succeeded = new Succeeded(clock);
  const delivered = {id: '1', source: '/shop', invocationId: 'i', status: 200};
  for (let n = 0; n < 10_001; n++) succeeded.add(String(n), delivered);
  t.is(succeeded.size, 10_000);
  t.is(succeeded.find('0'), undefined);
  t.is(succeeded.find('1'), delivered);
});

test('an event that is sent as work has its name as its key, in each mode; one whose sender waits has none', async t => {
  const {seen, send} = place({takesWork: true});
  const prefer = {prefer: 'respond-async'};
  await send(structured, JSON.stringify(event), prefer);
  await send(batched, JSON.stringify([event]), prefer);
  await send('text/plain', 'x', {...prefer, 'ce-specversion': '1.0', 'ce-id': '"1"', 'ce-source': '%2Fshop', 'ce-type': 't'});
  await send(structured, JSON.stringify({...event, id: '2'}), prefer);
  await send(structured, JSON.stringify(event), {...prefer, 'idempotency-key': 'own'});
  await send(structured, JSON.stringify(event));
  const keys = seen.map(({key}) => key);
  t.regex(keys[0] ?? '', /^cloudevent-[0-9a-f]{64}$/);
  t.is(keys[1], keys[0]);
  t.is(keys[2], keys[0]);
  t.not(keys[3], keys[0]);
  t.deepEqual(keys.slice(4), ['own', '']);
  t.regex((await send(batched, '[]', {'idempotency-key': 'a'})).body, /expected no Idempotency-Key/);
});
