import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import type {Delivery} from '../../src/delivery.ts';
import {ConfigurationError} from '../../src/errors.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {listed} from '../../triggers/listed/index.ts';
import {FakeDelivery, fakeHouse} from '../helpers/fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'listed-'));
test.after.always(() => rmSync(folder, {recursive: true}));

/** Writes a package. @returns its type, as an entry names it */
function packageOf(name: string, source: string): string {
  mkdirSync(join(folder, name));
  const file = join(folder, name, 'index.mjs');
  writeFileSync(file, source);
  return file;
}

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
    'refuses its options',
    'export const trigger = {contract: 1, read() { throw new Error("expected a port"); }, open() {}};',
    /^CORE_TRIGGERS: trigger `t1`: expected a port$/,
  ],
];
for (const [title, source, problem] of refused) {
  test(`a package that ${title} is refused, by the name of its entry`, async t => {
    const type = packageOf(title.replaceAll(' ', '-'), source);
    await t.throwsAsync(open(fakeHouse(), type), {instanceOf: ConfigurationError, message: problem});
  });
}

test('a package that is not installed is refused, and so are the others, in one message', async t => {
  const error = await t.throwsAsync(open(fakeHouse(), 'no-such-package', packageOf('empty', '')), {instanceOf: ConfigurationError});
  const [first = '', second = '', ...others] = (error as ConfigurationError).problems;
  t.regex(first, /`t1`: expected `type` to be an installed package, got `no-such-package`: it is not found from \//);
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
  await t.throwsAsync(open(fakeHouse(), good, failing), {message: 'connection refused'});
  await t.throwsAsync(open(fakeHouse(), good, wrong), {instanceOf: TypeError, message: /with a method \[Symbol\.asyncDispose\]/});
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

test('what is no delivery is refused with what is wrong, and reaches no stage', async t => {
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
    [{writeAhead: 'no'}, 'Expected `writeAhead` of a delivery to be a boolean, got `no`'],
    [{reply: undefined}, 'Expected `reply` of a delivery to be a function, got `undefined`'],
    [{signal: {}}, 'Expected `signal` of a delivery to be an AbortSignal, got object'],
  ] as const) {
    const delivery = Object.assign(new FakeDelivery(), change) as unknown as Delivery; // as a package in JavaScript may do
    await t.throwsAsync(house.deliver(delivery), {instanceOf: TypeError, message});
  }
  await t.throwsAsync(house.deliver(undefined as never), {instanceOf: TypeError});
  t.deepEqual(delivered, []);
  await house.deliver(new FakeDelivery());
  t.is(delivered.length, 1);
});
