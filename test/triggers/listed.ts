import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {ConfigurationError} from '../../src/errors.ts';
import {Budget} from '../../src/limits/budget.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {listed} from '../../triggers/listed/index.ts';
import {ManualClock} from '../helpers/clock.ts';
import {FakeDelivery, fakeHouse, recordingLog} from '../helpers/fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'listed-'));
test.after.always(() => rmSync(folder, {recursive: true}));

/** Writes a package. @returns its type, as an entry names it */
function packageOf(name: string, source: string): string {
  mkdirSync(join(folder, name));
  const file = join(folder, name, 'index.mjs');
  writeFileSync(file, source);
  return file;
}

/** A delivery of the first entry. */
const deliveryOf = () => Object.assign(new FakeDelivery(), {source: 't1'}) as FakeDelivery;

const triggerWith = (members: string) => `export const trigger = {contract: 1, read: options => options, ${members}};`;
const open = (house: ClaimingHouse, ...types: string[]) =>
  listed.open({entries: types.map((type, index) => ({type, name: `t${index + 1}`, options: {index}}))}, house);

const refused: [title: string, source: string, problem: RegExp][] = [
  ['throws', 'throw new Error("no license");', /^CORE_TRIGGERS: trigger `t1`: the package `.*` cannot be loaded: no license$/],
  ['is no trigger', 'export const a = 1, b = 2;', /to export a trigger: expected an export `trigger` that is an object, got a, b$/],
  ['exports nothing', '', /got no exports$/],
  ['has another contract', 'export const trigger = {contract: 2};', /expected `trigger.contract` to be 1, got `2`$/],
  ['reads nothing', 'export const trigger = {contract: 1, open() {}};', /expected `trigger.read` to be a function, got `undefined`$/],
  ['opens nothing', 'export const trigger = {contract: 1, read() {}, open: {}};', /expected `trigger.open` to be a function, got object$/],
  [
    'throws when it is looked at',
    'export const trigger = {get contract() { throw new Error("no license"); }};',
    /the package `.*` cannot be loaded: no license$/,
  ],
  [
    'refuses its options',
    'export const trigger = {contract: 1, read() { throw new Error("expected a port"); }, open() {}};',
    /^CORE_TRIGGERS: trigger `t1`: expected a port$/,
  ],
  [
    'reads late',
    'export const trigger = {contract: 1, async read() { throw new Error("expected a port"); }, open() {}};',
    /^CORE_TRIGGERS: trigger `t1`: expected `trigger.read` to return what it has read, got a promise$/,
  ],
];
for (const [title, source, problem] of refused) {
  test(`a package that ${title} is refused, by the name of its entry`, async t => {
    const type = packageOf(title.replaceAll(' ', '-'), source);
    await t.throwsAsync(open(fakeHouse(), type), {instanceOf: ConfigurationError, message: problem});
  });
}

test('an entry with a name of a trigger of the core is refused, before its package is loaded', async t => {
  const entries = ['cron', 'http:1', 'httpd'].map(name => ({type: 'no-such-package', name, options: {}}));
  const {problems} = (await t.throwsAsync(listed.open({entries}, fakeHouse()), {instanceOf: ConfigurationError})) as ConfigurationError;
  const rule = 'expected `name` to be none of http, cron, listed, work, which are triggers of the core, nor to begin with one and a colon';
  t.deepEqual(problems, [`CORE_TRIGGERS: trigger \`cron\`: ${rule}`, `CORE_TRIGGERS: trigger \`http:1\`: ${rule}`]);
});

test('a package that never loads keeps the core from starting, by its name', async t => {
  const clock = new ManualClock();
  const opening = open(fakeHouse({clock}), packageOf('never-loads', 'await new Promise(() => {});'));
  const refused = t.throwsAsync(opening, {
    instanceOf: ConfigurationError,
    message: /^CORE_TRIGGERS: trigger `t1`: the package `.*` cannot be loaded: its module is not loaded within 30 s; a top-level `await`/,
  });
  while (clock.pending === 0) await new Promise(setImmediate);
  await clock.advance(30_000);
  await refused;
  t.is(clock.pending, 0);
});

test('a package that is not installed is refused, and so are the others, in one message', async t => {
  const error = await t.throwsAsync(open(fakeHouse(), 'no-such-package', packageOf('empty', '')), {instanceOf: ConfigurationError});
  const [first = '', second = '', ...others] = (error as ConfigurationError).problems;
  t.regex(first, /`t1`: expected `type` to be .*, or an installed package, got `no-such-package`: it is not found from \//);
  t.regex(second, /`t2`: .*got no exports/);
  t.deepEqual(others, []);
});

test('when one does not open, or is not open when it says so, those before it are closed', async t => {
  const closed: unknown[] = [];
  Object.assign(globalThis, {closedByTest: closed});
  const good = packageOf(
    'good',
    triggerWith('async open({index}) { return {async [Symbol.asyncDispose]() { closedByTest.push(index); }}; }'),
  );
  const failing = packageOf('failing', triggerWith('async open() { throw new Error("connection refused"); }'));
  const wrong = packageOf('wrong', triggerWith('async open() { return {}; }'));
  await t.throwsAsync(open(fakeHouse(), good, failing), {message: 'CORE_TRIGGERS: trigger `t2` cannot be opened: connection refused'});
  await t.throwsAsync(open(fakeHouse(), good, wrong), {message: /trigger `t2` .* with a method \[Symbol\.asyncDispose\]/});
  t.deepEqual(closed, [0, 0]);
  const opened = await open(fakeHouse(), good, good);
  await opened[Symbol.asyncDispose]();
  t.deepEqual(closed, [0, 0, 0, 1]);
});

test('what delivers nothing says so under the name of its entry', async t => {
  const type = packageOf(
    'down',
    triggerWith(
      'async open({index}) { return {problem: () => (index === 1 ? "no broker" : undefined), async [Symbol.asyncDispose]() {}}; }',
    ),
  );
  const opened = await open(fakeHouse(), type, type);
  t.is(opened.problem?.(), 't2: no broker');
});

test('an object that is not a delivery is refused with what is wrong, and reaches no stage', async t => {
  const type = packageOf(
    'delivers',
    triggerWith('async open(options, house) { globalThis.houseByTest = house; return {async [Symbol.asyncDispose]() {}}; }'),
  );
  const delivered: Delivery[] = [];
  await open(fakeHouse({deliver: async delivery => void delivered.push(delivery)}), type);
  const house = (globalThis as unknown as {houseByTest: ClaimingHouse & {name: string}}).houseByTest; // the package put it there
  t.is(house.name, 't1');
  for (const [change, message] of [
    [{source: undefined}, 'Expected `source` of a delivery to be a string, got `undefined`'],
    [{source: 'cron:nightly'}, 'Expected `source` of a delivery to be `t1`, or to begin with `t1:`, got `cron:nightly`'],
    [{source: 't10'}, 'Expected `source` of a delivery to be `t1`, or to begin with `t1:`, got `t10`'],
    [{writeAhead: 'no'}, 'Expected `writeAhead` of a delivery to be a boolean, got `no`'],
    [{reply: undefined}, 'Expected `reply` of a delivery to be a function, got `undefined`'],
    [{id: 'a"b'}, 'Expected `id` of a delivery to be 1 to 100 letters, digits, - and _, got `a"b`'],
    [{attempt: 0}, 'Expected `attempt` of a delivery to be a number from 1 on, got `0`'],
    [{signal: {}}, 'Expected `signal` of a delivery to be an AbortSignal, got object'],
  ] as const) {
    const delivery = Object.assign(deliveryOf(), change) as unknown as Delivery; // as a package in JavaScript may do
    await t.throwsAsync(house.deliver(delivery), {instanceOf: TypeError, message});
  }
  await t.throwsAsync(house.deliver(undefined as never), {instanceOf: TypeError});
  t.deepEqual(delivered, []);
  await house.deliver(deliveryOf());
  await house.deliver(Object.assign(deliveryOf(), {source: 't1:orders'}));
  t.deepEqual(
    delivered.map(({source}) => source),
    ['t1', 't1:orders'],
  );
});

const opens = (body: string) => triggerWith(`async open(options, house) { ${body} }`);

test('one that never opens keeps the core from starting, by its name', async t => {
  const clock = new ManualClock();
  const opening = open(fakeHouse({clock}), packageOf('never-opens', opens('await new Promise(() => {});')));
  const refused = t.throwsAsync(opening, {message: 'CORE_TRIGGERS: trigger `t1` cannot be opened: it has not opened within 30 s'});
  while (clock.pending === 0) await new Promise(setImmediate); // until its package is loaded
  await clock.advance(30_000);
  await refused;
  t.is(clock.pending, 0);
});

test('one that never closes is waited for until the grace time is over, and a little longer', async t => {
  const clock = new ManualClock();
  const log = recordingLog();
  const stop = new AbortController();
  const type = packageOf('never-closes', opens('return {[Symbol.asyncDispose]: () => new Promise(() => {})};'));
  const opened = await open(fakeHouse({clock, log, hurry: stop.signal}), type);
  let isClosed = false;
  const closing = opened[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  await clock.advance(60_000);
  t.false(isClosed);
  stop.abort();
  await clock.advance(1000);
  await closing;
  t.regex(JSON.stringify(log.lines), /has not closed/);
});

test('an error of a package’s delivery, or a wrong input, does not get into the stages', async t => {
  const type = packageOf('breaks', opens('globalThis.breaksByTest = house; return {async [Symbol.asyncDispose]() {}};'));
  const log = recordingLog();
  const delivered: Delivery[] = [];
  await open(fakeHouse({log, deliver: async delivery => void delivered.push(delivery)}), type);
  const house = (globalThis as unknown as {breaksByTest: ClaimingHouse}).breaksByTest; // the package put it there
  const breaks = () => {
    throw new Error('broken');
  };
  let replies = 0;
  const reply = () => {
    replies++;
    breaks();
  };
  const traceCarrier = {get: breaks};
  const own = Object.assign(deliveryOf(), {subject: breaks, called: breaks, defers: breaks, reply, traceCarrier});
  await house.deliver(own as unknown as Delivery);
  const [delivery] = delivered;
  t.deepEqual(delivery?.subject(), {trigger: 'other', name: 't1'});
  t.is(delivery?.traceCarrier?.get('traceparent'), '');
  delivery?.called?.();
  t.false(delivery?.defers?.());
  delivery?.reply({status: 200, headers: [], body: ''});
  delivery?.reply({status: 500, headers: [], body: ''});
  t.is(replies, 1);
  t.is(JSON.stringify(log.lines).split('A delivery of a trigger throws').length - 1, 5);

  const message = {shape: 'message', eventType: 'inbox', reply: 'outcome', contentType: '', attributes: [], body: Buffer.from('')};
  for (const [change, problem] of [
    [{eventType: 'a"b'}, 'Expected `eventType` of an input to be one short word, got `a"b`'],
    [{body: new Uint8Array(1)}, 'Expected `body` of an input to be a Buffer, got object'],
    [{attributes: ['a', 1]}, 'Expected `attributes` of an input to be a list of strings, got object'],
    [{holder: {}}, 'Expected `holder` of an input to be an object with `written` and a `replyHold` of the budget, got object'],
    [{shape: 'request'}, 'Expected `method` of an input to be a string, got `undefined`'],
    [{context: {headers: []}}, 'Expected `context` of an input to be without the members that every event or record has, got `headers`'],
  ] as const) {
    await house.deliver(Object.assign(deliveryOf(), {input: async () => ({...message, ...change})}) as unknown as Delivery);
    await t.throwsAsync(async () => delivered.at(-1)?.input(), {instanceOf: TypeError, message: problem});
  }
  await house.deliver(Object.assign(deliveryOf(), {input: async () => message}) as unknown as Delivery);
  t.is((await delivered.at(-1)?.input())?.eventType, 'inbox');
});

test('an event for which the package keeps no account is charged until the reply, and refused when there is no room', async t => {
  const type = packageOf('holds', opens('globalThis.holdsByTest = house; return {async [Symbol.asyncDispose]() {}};'));
  const budget = new Budget(1000, new ManualClock());
  const delivered: Delivery[] = [];
  await open(fakeHouse({budget, deliver: async delivery => void delivered.push(delivery)}), type);
  const house = (globalThis as unknown as {holdsByTest: ClaimingHouse}).holdsByTest; // the package put it there
  const message = {shape: 'message', eventType: 'inbox', reply: 'outcome', contentType: '', attributes: [], body: Buffer.from('')};
  for (let time = 0; time < 2; time++) {
    await house.deliver(Object.assign(deliveryOf(), {input: async () => message}) as unknown as Delivery);
  }
  const [first, second] = await Promise.all(delivered.map(each => each.input()));
  first?.holder?.written(900);
  t.is(budget.bytesOf('event'), 900);
  t.throws(() => second?.holder?.written(900), {message: /./, name: 'Fault'});
  delivered[0]?.reply({status: 200, headers: [], body: ''});
  t.is(budget.heldBytes, 0);
  second?.holder?.written(900);
  delivered[1]?.reply({status: 200, headers: [], body: ''});
  t.is(budget.heldBytes, 0);
});

test('one that throws when it is asked or closed is a problem by its name, and the others are closed', async t => {
  const closed: number[] = [];
  Object.assign(globalThis, {closedBeside: closed});
  const breaking = packageOf(
    'breaking',
    opens('const fail = () => { throw new Error("no idea"); }; return {problem: fail, [Symbol.asyncDispose]: fail};'),
  );
  const other = packageOf(
    'other',
    triggerWith('async open({index}) { return {async [Symbol.asyncDispose]() { closedBeside.push(index); }}; }'),
  );
  const opened = await open(fakeHouse(), breaking, other);
  t.is(opened.problem?.(), 't1: it cannot say whether it delivers: no idea');
  await t.throwsAsync(async () => opened[Symbol.asyncDispose](), {message: 'no idea'});
  t.deepEqual(closed, [1]);
});
