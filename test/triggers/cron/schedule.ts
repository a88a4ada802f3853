import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {ConfigurationError} from '../../../src/errors.ts';
import {parseSettings} from '../../../src/settings/setting.ts';
import {cron} from '../../../triggers/cron/index.ts';
import {jitterText, readSchedules} from '../../../triggers/cron/schedule.ts';

const problemsOf = (given: unknown): readonly string[] => {
  try {
    readSchedules(typeof given === 'string' ? given : JSON.stringify(given));
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
};
const good = {name: 'nightly', cron: '30 2 * * *'};

const bad: [title: string, given: unknown, problem: RegExp][] = [
  ['no list', {...good}, /expected a JSON list of schedules in CORE_SCHEDULES, got object/],
  ['broken JSON', '[{"name": "x"', /expected a JSON list of schedules in CORE_SCHEDULES, got other text/],
  ['a file that is not there', '/no/such/file.json', /the path of a file that holds one; `\/no\/such\/file.json` cannot be read: ENOENT/],
  ['an entry that is no object', [5], /^schedule 1: expected an object .* got `5`$/],
  ['no name', [{cron: '* * * * *'}], /^schedule 1: expected name to be .*, got none$/],
  ['a name with a dot', [{...good, name: 'a.b'}], /^schedule `a.b`: expected name to be 1 to 64 letters, digits, hyphens or underscores/],
  ['a name twice', [good, good], /expected every schedule to have a name of its own, got `nightly` 2 times/],
  ['no cron', [{name: 'x'}], /^schedule `x`: expected cron to be five or six fields such as `.*, got none/],
  ['a bad minute', [{...good, cron: '61 * * * *'}], /got `61 \* \* \* \*`: Invalid value for minute: 61$/],
  ['four fields', [{...good, cron: '* * * *'}], /expected cron to be five or six fields/],
  ['seven fields', [{...good, cron: '0 * * * * * 2030'}], /expected cron to be five or six fields/],
  ['cron that is not a text', [{...good, cron: 5}], /got `5`: it is not a text$/],
  ['a day that never comes', [{...good, cron: '0 0 30 2 *'}], /there is no such day$/],
  [
    'an unknown zone',
    [{...good, timezone: 'Mars/Olympus'}],
    /expected timezone to be an IANA zone such as Europe\/Paris, got `Mars\/Olympus`/,
  ],
  ['a city alone', [{...good, timezone: 'new york'}], /such as America\/New_York, got `new york`/],
  ['an offset for a zone', [{...good, timezone: '+02:00'}], /expected timezone to be an IANA zone/],
  ['a bad catchUp', [{...good, catchUp: 'all'}], /expected catchUp to be none, latest or all\(<1 to 1000>\), got `all`/],
  ['a catchUp without end', [{...good, catchUp: 'all(5000)'}], /expected catchUp/],
  ['a bad overlap', [{...good, overlap: 'skip'}], /expected overlap to be one of allow, forbid, replace, got `skip`/],
  ['a bad jitter', [{...good, jitter: 'some'}], /expected jitter to be a duration of at most 1h, such as 30s, got `some`/],
  ['a long jitter', [{...good, jitter: '2h'}], /expected jitter/],
  ['a bad delivery', [{...good, delivery: 'later'}], /expected delivery to be one of call, work, got `later`/],
  ['an unknown member', [{...good, tz: 'UTC'}], /expected only name, cron, timezone, input, catchUp, overlap, jitter, delivery, got `tz`/],
];
for (const [title, given, problem] of bad) {
  test(`${title} is refused, and the problem says what would be right`, t => {
    const problems = problemsOf(given);
    t.is(problems.length, 1, problems.join('\n'));
    t.regex(problems[0] ?? '', problem);
  });
}

test('a bad setting stops the start with every problem, and does not repeat the list', t => {
  const list = JSON.stringify([
    {...good, timezone: 'Paris'},
    {...good, name: 'x', overlap: 'skip'},
  ]);
  const error = t.throws(() => parseSettings(cron.settings, {CORE_SCHEDULES: list}), {instanceOf: ConfigurationError});
  t.deepEqual(error instanceof ConfigurationError && error.problems, [
    'CORE_SCHEDULES: schedule `nightly`: expected timezone to be an IANA zone such as Europe/Paris, got `Paris`',
    'CORE_SCHEDULES: schedule `x`: expected overlap to be one of allow, forbid, replace, got `skip`',
  ]);
});

test('unset means none', t => {
  t.deepEqual(parseSettings(cron.settings, {}).schedules, []);
});

test('the defaults are UTC, no input, no catching up, overlap allowed, no jitter', t => {
  const expected = {...good, timezone: 'UTC', input: '{}', catchUp: 0, overlap: 'allow', jitterMs: 0, delivery: 'call'};
  t.deepEqual(readSchedules(JSON.stringify([good])), [expected] as never);
});

test('every member is read', t => {
  const all = {...good, timezone: 'Asia/Tokyo', input: {a: [1, null]}, catchUp: 'all(7)', overlap: 'forbid', jitter: '90s'};
  t.like(readSchedules(JSON.stringify([all]))[0], {
    timezone: 'Asia/Tokyo',
    input: '{"a":[1,null]}',
    catchUp: 7,
    overlap: 'forbid',
    jitterMs: 90_000,
  });
  t.is(readSchedules(JSON.stringify([{...good, catchUp: 'latest'}]))[0]?.catchUp, 1);
});

test('numbers of an input stay as they are written', t => {
  t.is(
    readSchedules('[{"name":"x","cron":"* * * * *","input":{"id":12345678901234567890,"rate":1.0}}]')[0]?.input,
    '{"id":12345678901234567890,"rate":1.0}',
  );
});

test('the list may stand in a file', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'schedules-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  const file = join(folder, 'schedules.json');
  await writeFile(file, JSON.stringify([good]));
  t.is(readSchedules(file)[0]?.name, 'nightly');
  await writeFile(file, '{}');
  t.regex(problemsOf(file)[0] ?? '', /in the file `.*schedules.json`, got object/);
});

test('jitter is written in the largest unit that divides it', t => {
  t.deepEqual([0, 500, 1000, 90_000, 300_000, 3_600_000].map(jitterText), ['none', '500ms', '1s', '90s', '5m', '1h']);
});
