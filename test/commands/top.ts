import {stripVTControlCharacters} from 'node:util';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {openScreen} from '../../src/commands/screen.ts';
import {type Figures, topText} from '../../src/commands/top-text.ts';
import {openPrivate} from '../helpers/admin.ts';
import {runCli} from '../helpers/core.ts';

const figures: Figures = {
  at: '2026-01-01T00:03:20.000Z',
  function: {name: 'greet\x1b[2J', version: '', handler: '/srv/handler.js', language: 'node', public: true, url: 'http://localhost:8080'},
  core: {version: '0.1.0', node: 'v26.10.0', pid: 10, startedAt: '2026-01-01T00:00:00.000Z', processes: 1, processesUp: 1},
  readiness: {ready: true, phase: 'ready'},
  rates: {requests: 1234.5, errors: 0.5, invocations: 1234.5},
  times: {p50Ms: 1.84, p99Ms: null},
  queue: {waiting: 2, inFlight: 3, longest: 1000},
  subRuntimes: {ready: 1, wanted: 2},
  memory: {coreBytes: 90 * 2 ** 20, functionBytes: 60 * 2 ** 20, heldBytes: 0, maxHeldBytes: 2 ** 27},
  totals: {requests: 1234567, errors: 1, otherCalls: 3, otherFailures: 1, restarts: 1, coldStarts: 0},
  cores: [
    {
      pid: 10,
      leader: true,
      residentBytes: 90 * 2 ** 20,
      places: [
        {
          phase: 'ready',
          processes: [{pid: 12, role: 'serving', spawnedAt: '2026-01-01T00:00:00.000Z', calls: 3, residentBytes: 60 * 2 ** 20}],
        },
        {phase: 'gave-up', error: 'exited\n10 times', processes: []},
      ],
      ends: [{at: '2026-01-01T00:01:00.000Z', pid: 11, reason: 'oom', sentence: 'The sub-runtime ran out of memory and was killed'}],
    },
  ],
  history: {columns: {requests: [0, null, 50, 100]}},
};

test('the figures are lines of text, and what a terminal would obey is shown', t => {
  const text = stripVTControlCharacters(topText(figures).join('\n'));
  for (const line of [
    String.raw`greet\x1b[2J  /srv/handler.js  node  http://localhost:8080`,
    'ready, up 3 min',
    'requests  1,235/s   0.5/s errors   ▁▁▅█',
    'times     p50 1.8 ms   p99 –',
    'queue     2 of 1,000 waiting   3 in flight',
    'memory    core 90 MiB   function 60 MiB   held 0 MiB of 128 MiB',
    'total     1,234,567 requests   1 error   3 other calls (1 failed)   1 restart   0 waited for a start',
    '      12  function   serving       3 min       3     60 MiB',
    String.raw`          gave-up: exited\x0a10 times`,
    '1 of 2 sub-runtimes ready',
    '00:01:00  11  The sub-runtime ran out of memory and was killed',
  ]) {
    t.true(text.split('\n').includes(line), `${line}\n${text}`);
  }
});

test('a core that takes work shows how much waits', t => {
  t.false(stripVTControlCharacters(topText(figures).join('\n')).includes('\nwork '));
  const work = {paused: true, waiting: 2, behind: 1, running: 4, dead: 1, oldest: Date.parse(figures.at) - 5000};
  const text = stripVTControlCharacters(topText({...figures, work}).join('\n'));
  t.true(text.includes('\nwork      paused   3 waiting   4 running   the oldest for 5 s   1 dead letter\n'), text);
});

test('a core that is gone leaves its last figures, with the reason', t => {
  t.true(stripVTControlCharacters(topText(figures, 'no core answers').join('\n')).includes('\nno core answers\n'));
});

test('lines are cut to the terminal, and colours take no room; the cursor comes back', t => {
  const written: string[] = [];
  const screen = openScreen({columns: 4, rows: 3, write: text => written.push(text)});
  screen.draw(['\x1b[31mabcdef\x1b[39m', 'b', 'c']);
  screen[Symbol.dispose]();
  t.deepEqual(written.slice(1), ['\x1b[H\x1b[31mabcd\x1b[39m\x1b[K\nb\x1b[K\n\x1b[J', '\x1b[?25h']);
});

test('top ends with 69 when no core answers, and prints once where nobody watches', async t => {
  const missing = await runCli(['top'], {CORE_ADMIN_PORT: '1'});
  t.is(missing.code, 69);
  t.regex(missing.stderr, /no core answers at http:\/\/127\.0\.0\.1:1 /);
  const {url} = await openPrivate(t, {clock: systemClock});
  const env = {CORE_ADMIN_PORT: new URL(url).port};
  const {code, stdout, stderr} = await runCli(['top'], env);
  t.is(code, 0, stderr);
  t.regex(stdout, /^greet {2}\/srv\/handler\.js {2}node/);
  t.false(stdout.includes('\x1b'));
  const [line = '', ...more] = (await runCli(['top', '--once', '--json'], env)).stdout.trim().split('\n');
  t.deepEqual(more, []);
  t.like(JSON.parse(line), {function: {name: 'greet'}, cores: [], history: {stepMs: 1000}});
});
