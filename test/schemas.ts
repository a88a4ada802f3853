import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import context from 'core-runtime/schemas/context.json' with {type: 'json'};
import event from 'core-runtime/schemas/event.json' with {type: 'json'};
import schedules from 'core-runtime/schemas/schedules.json' with {type: 'json'};
import triggers from 'core-runtime/schemas/triggers.json' with {type: 'json'};
import {parse} from 'yaml';
import {requestOf} from '../middleware/event/request.ts';
import {eventWriter} from '../middleware/event/write.ts';
import type {Input} from '../src/delivery.ts';
import {readSchedules} from '../triggers/cron/schedule.ts';
import {readEntries} from '../triggers/listed/entries.ts';
import {messageSystems} from '../triggers/listed/systems.ts';
import {projectFile} from './helpers/core.ts';
import {textOf} from './helpers/event.ts';
import {requestInput} from './helpers/fakes.ts';
import {closed, isSchema, problems} from './helpers/schema.ts';

const write = eventWriter({
  functionName: 'greeter',
  functionVersion: '7',
  memoryMb: 256,
  handlerPath: '/home/app/function/handler.js',
  handlerName: 'handle',
  base64: 'exact',
  replay: true,
});

/** An event and a context, as a sub-runtime reads them. */
function sent(input: Input): {event: Record<string, unknown>; context: Record<string, unknown>} {
  const written = write(requestOf(input), {id: 'id-1', deadlineMs: 1_764_000_000_000, credential: undefined});
  return JSON.parse(textOf(written, {traceparent: '00-a', tracestate: 'b=1'}));
}

const tick: Input = {
  shape: 'message',
  eventType: 'cron',
  reply: 'outcome',
  contentType: 'application/json',
  attributes: [],
  body: Buffer.from('{"task":"count"}'),
  context: {schedule: {name: 'report', occurrence: '2026-03-27T01:30:00Z'}},
};
const events: readonly (readonly [string, Input])[] = [
  ['a request', requestInput({query: 'q=a&q=b', headers: ['host', 'a.example', 'cookie', 'a=1'], body: Buffer.from('hi')})],
  ['a request with nothing in it', requestInput({query: '', headers: [], body: Buffer.alloc(0)})],
  ['bytes', requestInput({body: Buffer.from([0xff, 0])})],
  ['a tick', tick],
  ['what a trigger delivers', {...tick, eventType: 'inbox', context: {}, attributes: ['Subject', 'orders']}],
  ['a message', {...tick, eventType: 'redis', context: {message: {id: 'orders/1-0', attempt: 2, stream: 'orders', entry: '1-0'}}}],
];

const {event: whole, context: known} = sent(tick);

for (const member of event.required) {
  test(`an event without ${member} is refused`, t => {
    const {[member]: _, ...rest} = whole;
    t.deepEqual(problems(event, rest), [` must have required property '${member}'`]);
  });
}

for (const [title, broken] of [
  ['a body that is not a text', {...whole, body: {}}],
  ['a header that is a list', {...whole, headers: {Accept: ['a']}}],
  ['a header without a value', {...whole, multiValueHeaders: {Accept: []}}],
  ['an occurrence of a request', {...whole, requestContext: {...(whole.requestContext as object), eventType: 'http'}}],
] as const) {
  test(`an event with ${title} is refused`, t => {
    t.true(problems(event, broken).length > 0);
  });
}

test('a context without a deadline, and one with half a trace, are refused', t => {
  const {deadlineMs: _, ...rest} = known;
  t.deepEqual(problems(context, rest), [" must have required property 'deadlineMs'"]);
  t.true(problems(context, {...known, trace: {tracestate: 'b=1'}}).length > 0);
});

for (const [title, input] of events) {
  test(`the event and the context of ${title} are as their schemas say, member for member`, t => {
    const {event: real, context: around} = sent(input);
    t.deepEqual(problems(closed(event), real), []);
    t.deepEqual(problems(closed(context), around), []);
  });
}

const nightly = {name: 'nightly', cron: '30 2 * * *'};

for (const [title, list] of [
  ['no list', {...nightly}],
  ['an entry that is no object', [5]],
  ['no name', [{cron: '* * * * *'}]],
  ['a name with a dot', [{...nightly, name: 'a.b'}]],
  ['a name that begins with a hyphen', [{...nightly, name: '-a'}]],
  ['no cron', [{name: 'x'}]],
  ['cron that is not a text', [{...nightly, cron: 5}]],
  ['a bad catchUp', [{...nightly, catchUp: 'all'}]],
  ['a catchUp of nothing', [{...nightly, catchUp: 'all(0)'}]],
  ['a catchUp without end', [{...nightly, catchUp: 'all(1001)'}]],
  ['a bad overlap', [{...nightly, overlap: 'skip'}]],
  ['a jitter without a unit', [{...nightly, jitter: '30'}]],
  ['an unknown member', [{...nightly, tz: 'UTC'}]],
] as const) {
  test(`schedules with ${title} are refused by the schema as by the core`, t => {
    t.throws(() => readSchedules(JSON.stringify(list)));
    t.true(problems(schedules, list).length > 0);
  });
}

for (const [title, list] of [
  ['none', []],
  ['the least', [nightly]],
  ['all members', [{...nightly, timezone: 'Europe/Paris', input: [1], catchUp: 'all(1000)', overlap: 'replace', jitter: '1.5m'}]],
  ['the words', [{...nightly, catchUp: 'none', overlap: 'forbid', jitter: '0'}]],
  ['those of the example', JSON.parse(readFileSync(projectFile('examples/06-cron/schedules.json'), 'utf8'))],
] as const) {
  test(`schedules are as their schema says: ${title}`, t => {
    t.notThrows(() => readSchedules(JSON.stringify(list)));
    t.deepEqual(problems(schedules, list), []);
  });
}

/** Reads a list as the core does. @throws Error with what is wrong */
async function readTriggers(list: unknown): Promise<void> {
  for (const {type, options} of readEntries(JSON.stringify(list))) (await messageSystems[type]?.())?.read(options);
}

const orders = {type: 'redis', name: 'orders', url: 'redis://localhost', stream: 'orders'};

for (const [title, list] of [
  ['no list', orders],
  ['an entry that is no object', [5]],
  ['no type', [{name: 'orders'}]],
  ['a name with a space at its end', [{...orders, name: 'orders '}]],
  ['no stream', [{...orders, stream: undefined}]],
  ['an unknown member', [{...orders, topic: 'orders'}]],
  ['a member of another system', [{type: 'amqp', url: 'amqp://localhost', queue: 'orders', lease: '30s'}]],
  ['no attempts', [{...orders, deadLetter: 'dead', attempts: 0}]],
  ['an unknown ack', [{...orders, ack: 'never'}]],
  ['a lease without a unit', [{...orders, lease: '30'}]],
  ['no broker', [{type: 'kafka', brokers: [], topic: 'orders'}]],
] as const) {
  test(`triggers with ${title} are refused by the schema as by the core`, async t => {
    await t.throwsAsync(readTriggers(list));
    t.true(problems(triggers, JSON.parse(JSON.stringify(list))).length > 0);
  });
}

const example = (system: string) => {
  const {services} = parse(readFileSync(projectFile(`examples/13-messages/${system}/compose.yaml`), 'utf8'));
  return parse(services.runtime.environment.CORE_TRIGGERS);
};

for (const [title, list] of [
  ['none', []],
  ['a package with members of its own', [{type: './trigger.mjs', name: 'inbox', folder: '/tmp/inbox', list: [{}]}]],
  ['a secret in a file', [{...orders, password: {file: '/run/secrets/redis'}}]],
  ...Object.keys(messageSystems).map(system => [`those of the example with ${system}`, example(system)] as const),
] as const) {
  test(`triggers are as their schema says: ${title}`, t => {
    t.notThrows(() => readEntries(JSON.stringify(list)));
    t.deepEqual(problems(triggers, list), []);
  });
}

test('the schema of triggers has each member of each system', async t => {
  t.deepEqual(triggers.items.properties.type.examples.toSorted(), Object.keys(messageSystems).toSorted());
  for (const [system, load] of Object.entries(messageSystems)) {
    const {read} = await load();
    const refused = (given: object) => t.throws(() => read({...given, 'none such': 1})).message;
    const lists = [{}, {stream: 'orders'}].map(given => /There are ([^.]+)[.]/.exec(refused(given))?.[1]?.split(', ') ?? []);
    const {type: _, name: __, ...members} = triggers.$defs[system as 'redis'].properties;
    t.deepEqual(Object.keys(members).toSorted(), [...new Set(lists.flat())].toSorted(), system);
  }
});

test('every schema is one', t => {
  for (const name of readdirSync(projectFile('schemas'))) {
    const schema = JSON.parse(readFileSync(projectFile(`schemas/${name}`), 'utf8'));
    t.is(schema.$schema, 'https://json-schema.org/draft/2020-12/schema', name);
    t.is(schema.$id, `urn:core-runtime:${name.replace('.json', '')}`);
    t.true(isSchema(schema));
  }
});
