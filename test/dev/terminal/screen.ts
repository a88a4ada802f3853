import test from 'ava';
import {inkFor} from '../../../src/dev/terminal/ink.ts';
import {openTerminal} from '../../../src/dev/terminal/open.ts';
import {Screen} from '../../../src/dev/terminal/screen.ts';
import {statusText} from '../../../src/dev/terminal/status.ts';
import {Tally} from '../../../src/dev/terminal/tally.ts';
import {ManualClock, settle} from '../../helpers/clock.ts';

function paper(some: {isTTY?: boolean; columns?: number; writableLength?: number} = {}) {
  const written: string[] = [];
  return {written, writableLength: 0, write: (text: string) => written.push(text) > 0, ...some};
}

test('without a terminal there are lines and nothing else', async t => {
  const out = paper();
  const screen = new Screen(out);
  screen.setStatus('status');
  screen.write(['one', 'two']);
  screen.clear();
  await settle();
  t.deepEqual(out.written, ['one\ntwo\n']);
});

test('lines that nobody reads are left out, and counted', async t => {
  const out = paper({writableLength: 5 * 2 ** 20});
  const screen = new Screen(out);
  screen.write(['one', 'two']);
  await settle();
  t.deepEqual(out.written, []);
  out.writableLength = 0;
  screen.write(['three']);
  await settle();
  t.deepEqual(out.written, ['… 2 lines are left out: they came faster than they were read\nthree\n']);
});

test('on a terminal the status stays below the lines', async t => {
  const out = paper({isTTY: true});
  const screen = new Screen(out);
  screen.setStatus('status');
  await settle();
  screen.write(['one']);
  await settle();
  screen.setStatus('');
  screen.flush();
  t.deepEqual(out.written, ['status', '\r\x1b[Jone\nstatus', '\r\x1b[J']);
});

test('a terminal that has become narrower shows no rest of the status', async t => {
  const out = paper({isTTY: true, columns: 20});
  const screen = new Screen(out);
  screen.setStatus('\x1b[2m0123456789\x1b[22m');
  await settle();
  out.columns = 4;
  screen.setStatus('01');
  await settle();
  t.deepEqual(out.written.slice(1), ['\r\x1b[2A\x1b[J01']);
});

test('colours are for terminals that want them', t => {
  const red = (isTerminal: boolean, env: Record<string, string>) => inkFor(isTerminal, env)('red', 'x');
  t.is(red(false, {}), 'x');
  t.is(red(true, {NO_COLOR: '1'}), 'x');
  t.is(red(true, {TERM: 'dumb'}), 'x');
  t.is(red(true, {NO_COLOR: ''}), '\x1b[31mx\x1b[39m');
});

test('the status counts calls, errors and processes, and fits into the line', t => {
  const tally = new Tally();
  t.is(statusText(tally, undefined, 0, 80), ' 0 requests · 0 errors · 0 processes · h help');
  const call = {type: 'ended', at: 0, id: 'x', kind: 'GET', target: '/'} as const;
  for (const durationMs of [1, 2, 30]) tally.count({...call, durationMs, status: durationMs === 30 ? 502 : 404});
  tally.count({type: 'facts', at: 0, facts: [{type: 'runtime.ready', data: {bootMs: 1, loaded: true, pid: 7}}]});
  t.is(
    statusText(tally, {name: 'nightly', at: 3 * 3600_000}, 0, 90),
    ' 3 requests · 1 error · p50 2.0 ms · 1 process · next nightly in 3 h · h help',
  );
  t.is(statusText(tally, {name: 'nightly', at: 40_000}, 0, 70), ' 3 requests · 1 error · p50 2.0 ms · next nightly in 40 s · h help');
  t.is(statusText(tally, {name: 'nightly', at: 40_000}, 0, 50), ' 3 requests · 1 error · p50 2.0 ms · h help');
  t.is(statusText(tally, undefined, 0, 21), ' 3 requests · 1 err…');
  const fault = {code: 'AUTH_MISSING', message: 'No bearer token was sent'} as const;
  tally.count({...call, durationMs: 1, status: 401, fault}); // refused, and no error, as in the console
  tally.count({...call, durationMs: 1, status: 500, fault, isOther: true});
  tally.count({...call, durationMs: 1, status: 200, isOther: true});
  t.is(statusText(tally, undefined, 0, 90), ' 4 requests · 1 error · 2 other calls, 1 failed · p50 1.0 ms · 1 process · h help');
  tally.count({type: 'facts', at: 0, facts: [{type: 'runtime.exited', data: {code: 0, signal: null, reason: 'stopped', upMs: 1, pid: 7}}]});
  t.is(tally.processes, 0);
  for (const name of ['a', 'b'])
    tally.count({type: 'facts', at: 0, facts: [{type: 'runtime.ready', data: {bootMs: 1, loaded: true, pid: 7}}]}, name);
  tally.forget('a');
  t.is(tally.processes, 1, 'those of another function go on');
});

test('several functions are told apart by their names; one that could not be loaded has nothing to try', async t => {
  const out = paper();
  const terminal = openTerminal({stdout: out, stdin: process.stdin, env: {}, clock: new ManualClock()});
  const todos = terminal.view({name: 'todos', folder: '/srv'});
  const jobs = terminal.view({name: 'jobs', folder: '/srv'});
  for (const view of [todos, jobs]) view.feed({type: 'line', at: 0, line: {stream: 'stdout', line: 'hi'}});
  const shown = {
    handler: '/srv/h.js (handle)',
    runtime: 'node',
    url: 'http://localhost:8080',
    adminUrl: 'http://127.0.0.1:8090',
    isPublic: true,
  };
  terminal.serving(() => [{...shown, error: 'no'}], {reload() {}, stop() {}, abandon() {}, openInBrowser() {}});
  terminal.serving(
    () => [
      {...shown, name: 'todos', consoleUrl: 'http://127.0.0.1:8089'},
      {...shown, name: 'jobs', consoleUrl: 'http://127.0.0.1:8089', isPublic: false, error: 'no'},
    ],
    {
      reload() {},
      stop() {},
      abandon() {},
      openInBrowser() {},
    },
  );
  terminal.close();
  const text = out.written.join('');
  t.true(text.startsWith('todos │ hi\njobs  │ hi\n'));
  t.notRegex(text, /try/);
  t.regex(text, /state +the function could not be loaded/);
  t.regex(text, /\n {2}todos +http:\/\/localhost:8080 +node\n {2}jobs +.* \(private\) .*could not be loaded/);
  t.regex(text, /could not be loaded.*\n *\n {2}console {2}http:\/\/127\.0\.0\.1:8089\/\n/);
});
