import test from 'ava';
import {plainInk} from '../../../src/dev/terminal/ink.ts';
import {Story} from '../../../src/dev/terminal/story.ts';
import type {Began, Ended, Observation} from '../../../src/observation.ts';
import {ManualClock} from '../../helpers/clock.ts';

const noon = new Date(2026, 0, 1, 12, 1, 7).getTime();
const id = '01a224be-138a-7ef3-8bdb-9913dd2d7f3a';

function tell() {
  const clock = new ManualClock(noon);
  const lines: string[] = [];
  const story = new Story({folder: '/srv/f', ink: plainInk, clock, write: some => void lines.push(...some)});
  const say = (...observations: Observation[]) => {
    for (const each of observations) story.tell(each);
  };
  return {clock, lines, story, say};
}

const began = (some: Partial<Began> = {}): Began => ({type: 'began', at: noon, id, kind: 'GET', target: '/todos', ...some});
const ended = (some: Partial<Ended> = {}): Ended => ({
  ...began(),
  target: '/todos?page=2',
  status: 200,
  durationMs: 3.14,
  ...some,
  type: 'ended',
});
const wrote = (line: string, invocationId = id): Observation => ({
  type: 'line',
  at: noon,
  line: {stream: 'stdout', line, ...(invocationId !== '' && {invocationId})},
});
const threw = (stack: string, line = 'Error: no'): Observation => ({
  type: 'line',
  at: noon,
  line: {stream: 'stderr', level: 'error', line, stack, invocationId: id},
});
const logged = (message: string, some: object = {}): Observation =>
  ({type: 'log', at: noon, level: 'error', fields: {}, message, ...some}) as Observation;

test('what a handler or a caller sends is shown, and not obeyed', async t => {
  const {clock, lines, say} = tell();
  say(
    began(),
    wrote('red \x1b[31m \x07 \u202e\ttab'),
    ended({target: '/\x1b[2J', kind: 'G\r\nT'}),
    logged('x\x1b', {fields: {cause: '\x9b1m'}}),
  );
  say(threw('Error: \x1b]0;title\x07\n    at f (/srv/f/\x1b.js:1:1)'));
  await clock.advance(1000);
  const text = lines.join('');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
  t.notRegex(text, /[\x00-\x1f\x7f-\x9f\u202e]/);
  t.true(text.includes('red \\x1b[31m \\x07 \\u202e    tab'));
});

test('a call is one line, and what the function wrote stands below it', async t => {
  const {clock, lines, say} = tell();
  say(began(), wrote('one'), ended());
  t.deepEqual(lines, []);
  say(wrote('two'));
  await clock.advance(100);
  t.deepEqual(lines, ['12:01:07  GET  /todos?page=2  200  3.1 ms  #7f3a', '          one', '          two']);
});

test('calls at the same time do not mix their lines', async t => {
  const other = id.replace('7f3a', 'beef');
  const {clock, lines, say} = tell();
  say(began(), began({id: other}), wrote('a1'), wrote('b1', other), wrote('a2'), ended({id: other}), ended());
  await clock.advance(100);
  t.deepEqual(lines, [
    '12:01:07  GET  /todos?page=2  200  3.1 ms  #beef',
    '          b1',
    '12:01:07  GET  /todos?page=2  200  3.1 ms  #7f3a',
    '          a1',
    '          a2',
  ]);
});

test('a call that goes on shows what it has written so far', async t => {
  const {clock, lines, say} = tell();
  say(began({target: '/slow'}), wrote('first'));
  await clock.advance(299);
  t.deepEqual(lines, []);
  await clock.advance(1);
  t.deepEqual(lines.splice(0), ['12:01:07  GET  /slow  …  #7f3a', '          first']);
  say(wrote('second'));
  t.deepEqual(lines.splice(0), ['          second']);
  say(wrote('elsewhere', ''), wrote('third'));
  t.deepEqual(lines.splice(0), ['elsewhere', '          #7f3a third']);
  say(ended({target: '/slow', durationMs: 2345}));
  await clock.advance(100);
  t.deepEqual(lines, ['12:01:07  GET  /slow  200  2.3 s  #7f3a']);
});

test('a call that writes much shows it, and holds no more', t => {
  const {lines, say} = tell();
  say(began());
  for (let count = 0; count < 101; count++) say(wrote(`line ${count}`));
  t.is(lines.length, 102);
});

test('a call whose function goes on writing is shown all the same, and holds no more lines than another', async t => {
  const {clock, lines, say} = tell();
  say(began(), ended());
  for (let count = 0; count < 30; count++) {
    say(wrote(`beat ${count}`));
    await clock.advance(20);
  }
  t.is(lines[0], '12:01:07  GET  /todos?page=2  200  3.1 ms  #7f3a');
  t.is(lines.at(-1), '          beat 29');
  lines.length = 0;
  say(began(), ended());
  for (let count = 0; count < 200; count++) say(wrote(`line ${count}`));
  t.is(lines.length, 201);
});

test('a line that comes after its call bears the end of its id', async t => {
  const {clock, lines, say} = tell();
  say(began(), ended());
  await clock.advance(100);
  lines.length = 0;
  say(wrote('directly after'), wrote('elsewhere', ''), wrote('late'));
  t.deepEqual(lines, ['          directly after', 'elsewhere', '          #7f3a late']);
});

test('an error of the function is shown once, below its call', async t => {
  const {clock, lines, say} = tell();
  const fault = {code: 'HANDLER_FAILED', message: 'An error occured during handler execution: no'} as const;
  const warning = logged(fault.message, {level: 'warn', fields: {invocationId: id, code: 'HANDLER_FAILED'}});
  say(began(), warning, ended({status: 500, fault}));
  await clock.advance(100);
  t.deepEqual(lines, [], 'its error may still come');
  say(threw('Error: no\n    at f (/srv/f/handler.js:3:9)\n    at bridge (/opt/bridge.cjs:1:1)'));
  await clock.advance(100);
  t.deepEqual(lines, ['12:01:07  GET  /todos?page=2  500  3.1 ms  #7f3a', '          Error: no', '              at f (handler.js:3:9)']);
});

test('a fault that the function does not explain itself is explained', async t => {
  for (const [fault, expected] of [
    [{code: 'HANDLER_FAILED', message: 'An error occured during handler execution: no'}, 'HANDLER_FAILED  no'],
    [
      {code: 'AUTH_INVALID', message: 'authorization token not valid', cause: 'jwt expired'},
      'AUTH_INVALID  authorization token not valid: jwt expired',
    ],
  ] as const) {
    const {clock, lines, say} = tell();
    say(began(), ended({status: 500, fault}));
    await clock.advance(1000);
    t.deepEqual(lines, ['12:01:07  GET  /todos?page=2  500  3.1 ms  #7f3a', `          ${expected}`]);
  }
});

test('a call that ran out of time says so once', async t => {
  const {clock, lines, say} = tell();
  const fault = {code: 'UPSTREAM_TIMEOUT', message: 'The function did not answer within 1000 ms'} as const;
  say(began(), threw('Error: Function timed out', 'Error: Function timed out'), ended({status: 504, fault}));
  await clock.advance(1000);
  t.deepEqual(lines.slice(1), ['          UPSTREAM_TIMEOUT  The function did not answer within 1000 ms']);
});

test('a handler that cannot be loaded is reported once, with the place', async t => {
  const report = logged('The handler could not be loaded', {fields: {cause: 'SyntaxError: x'}});
  const line = 'core-bridge: cannot load the handler: SyntaxError: x';
  const byBridge: Observation = {
    type: 'line',
    at: noon,
    line: {stream: 'stderr', level: 'error', line, stack: 'SyntaxError: x\n    at f (/srv/f/a.js:1:1)'},
  };
  for (const order of [
    [report, byBridge],
    [byBridge, report],
  ]) {
    const {clock, lines, say} = tell();
    say(...order);
    await clock.advance(1000);
    t.deepEqual(lines, ['12:01:07  ✖ The handler could not be loaded', '          SyntaxError: x', '              at f (a.js:1:1)']);
  }
  const {clock, lines, say} = tell();
  say(
    byBridge,
    began(),
    ended({status: 500, fault: {code: 'HANDLER_MISSING', message: 'An error occured during handler execution: long'}}),
  );
  await clock.advance(1000);
  t.is(lines.at(-1), '          HANDLER_MISSING  The handler could not be loaded: SyntaxError: x');
});

test('a sub-runtime that is not ours reports only that its handler could not be loaded', async t => {
  const report = logged('The handler could not be loaded', {fields: {cause: 'SyntaxError: x'}});
  const {clock, lines, say} = tell();
  say(report);
  await clock.advance(1000);
  t.deepEqual(
    lines,
    ['12:01:07  ✖ The handler could not be loaded: SyntaxError: x'],
    'a sub-runtime that is not ours reports nothing else',
  );
});

test('a reload is reported once', async t => {
  const {clock, lines, say, story} = tell();
  say(logged('Reloaded: the new code is serving', {level: 'info'}));
  story.reloaded('Reloaded in 80 ms: handler.js');
  await clock.advance(1000);
  t.deepEqual(lines, ['12:01:07  · Reloaded in 80 ms: handler.js']);
  say(logged('Not reloaded: the old code goes on serving', {fields: {cause: 'x'}}));
  await clock.advance(1000);
  t.is(lines.length, 2);
});

test('routine records are not shown, others are', t => {
  const {lines, say} = tell();
  say(logged('Listening', {level: 'info'}), logged('A doubt', {level: 'warn', fields: {cause: 'two\nlines'}}));
  t.deepEqual(lines, ['12:01:07  ! A doubt: two', '          lines']);
});

test('a stop says which calls it waits for', t => {
  const {lines, say} = tell();
  say(logged('Stopping', {level: 'info'}), began(), logged('Stopping', {level: 'info'}));
  t.deepEqual(lines, ['12:01:07  · Stopping', '12:01:07  · Stopping once a call in flight has ended; Ctrl-C once more ends it']);
});

test('what waits at the end is shown', t => {
  const {lines, say, story} = tell();
  say(began(), wrote('one'), ended());
  const other = id.replace('7f3a', 'beef');
  say(began({id: other}), wrote('it does not end', other));
  story.close();
  t.deepEqual(lines, [
    '12:01:07  GET  /todos?page=2  200  3.1 ms  #7f3a',
    '          one',
    '12:01:07  GET  /todos  …  #beef',
    '          it does not end',
  ]);
});

test('a record about occurrences of a schedule names it, when they were, and how many', t => {
  const {lines, say} = tell();
  const [first, last] = ['2026-01-01T09:00:00Z', '2026-01-03T09:00:00Z'];
  const missed = (fields: object) => logged('Occurrences were missed', {level: 'warn', fields: {schedule: 'tidy', first, ...fields}});
  say(missed({last, count: 3, reason: 'down'}), missed({last: first, count: 1, reason: 'late'}), missed({last, count: 3, more: true}));
  say(logged('Skipped: an earlier occurrence still runs', {level: 'warn', fields: {schedule: 'tidy', occurrence: first}}));
  t.deepEqual(lines, [
    `12:01:07  ! Occurrences were missed: tidy, 3 times from ${first} to ${last}, before this start`,
    `12:01:07  ! Occurrences were missed: tidy at ${first}`,
    `12:01:07  ! Occurrences were missed: tidy, 3 or more times from ${first} to ${last}`,
    `12:01:07  ! Skipped: an earlier occurrence still runs: tidy at ${first}`,
  ]);
});
