import test from 'ava';
import {calendarOf} from '../../../triggers/cron/calendar.ts';
import {Course, punctualMs, type Step} from '../../../triggers/cron/course.ts';
import {jitterOf} from '../../../triggers/cron/jitter.ts';
import {lostBetween} from '../../../triggers/cron/lost.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;
const hour = 60 * minute;
const minutely = calendarOf('* * * * *', 'UTC');
const time = (ms: number) => new Date(ms).toISOString().slice(11, 19);

/** Takes every step that is due at each time; what was fired and lost, as text. */
function walk(course: Course, times: readonly number[]): string[] {
  const told: string[] = [];
  for (const now of times) {
    for (let step: Step = course.at(now); step.kind !== 'wait'; step = course.at(now)) {
      told.push(step.kind === 'fire' ? time(step.occurrence) : `lost ${time(step.after)}–${time(step.until)}`);
      course.took(step);
    }
  }
  return told;
}
const none = {of: (_: number) => 0, longestMs: 0};
const seconds20 = {of: () => 20_000, longestMs: 20_000};
const openCourse = (delay = none) => new Course(minutely, delay, noon, noon);
const every = (ms: number, from: number, until: number) => Array.from({length: (until - from) / ms + 1}, (_, index) => from + index * ms);

test('a calendar without a next occurrence waits without end', t => {
  const never = new Course({next: () => undefined}, none, noon, noon);
  t.deepEqual(never.at(noon), {kind: 'wait', ms: Number.POSITIVE_INFINITY});
});

test('nothing is fired before its time', t => {
  const course = openCourse();
  t.deepEqual(course.at(noon), {kind: 'wait', ms: minute});
  t.deepEqual(course.at(noon + minute - 1), {kind: 'wait', ms: 1});
  t.deepEqual(course.at(noon + minute), {kind: 'fire', occurrence: noon + minute, lateMs: 0});
});

test('a step that was not taken is asked again', t => {
  const course = openCourse();
  t.deepEqual(course.at(noon + minute), course.at(noon + minute));
});

test('an occurrence that is found late is fired, one that is found too late is lost', t => {
  t.deepEqual(walk(openCourse(), [noon + minute + punctualMs]), ['12:01:00']);
  t.deepEqual(walk(openCourse(), [noon + minute + punctualMs + 1]), ['lost 12:00:00–12:01:00']);
});

test('a clock that leaps forward loses what lies between, and fires what is due', t => {
  t.deepEqual(walk(openCourse(), [noon + minute, noon + hour + 5000]), ['12:01:00', 'lost 12:01:00–12:59:35', '13:00:00']);
});

test('a clock that is set back fires nothing again, and goes on where it had been', t => {
  const course = openCourse();
  t.is(walk(course, every(10_000, noon, noon + 10 * minute)).length, 10);
  t.deepEqual(walk(course, every(10_000, noon + 2 * minute, noon + 12 * minute)), ['12:11:00', '12:12:00']);
});

test('a clock that trembles fires each occurrence once', t => {
  const times = every(10_000, noon, noon + 5 * minute).flatMap(at => [at, at - 15, at + 3]);
  t.deepEqual(walk(openCourse(), times), ['12:01:00', '12:02:00', '12:03:00', '12:04:00', '12:05:00']);
});

test('a clock that was far ahead and is set right fires every occurrence of the right time, and later none of the wrong time again', t => {
  const course = openCourse();
  t.deepEqual(walk(course, [noon + minute, noon + 2 * hour, noon + 2 * hour + minute]).at(-1), '14:01:00');
  const right = walk(course, every(10_000, noon + 2 * minute, noon + 2 * hour + 3 * minute));
  t.deepEqual(right.slice(0, 2), ['12:02:00', '12:03:00']);
  t.deepEqual(right.slice(-3), ['13:59:00', '14:02:00', '14:03:00']);
  t.is(new Set(right).size, right.length);
});

test('jitter moves the delivery, not the occurrence, and a clock set back in between changes nothing', t => {
  const course = openCourse(seconds20);
  t.deepEqual(course.at(noon + minute), {kind: 'wait', ms: 20_000});
  t.deepEqual(course.at(noon), {kind: 'wait', ms: minute + 20_000});
  t.deepEqual(walk(course, [noon + minute + 20_000]), ['12:01:00']);
  t.deepEqual(walk(course, [noon + minute + 10_000, noon + minute + 25_000, noon + 2 * minute + 19_999]), []);
});

test('with no patience every occurrence that was due is lost; one that is still to come because of its jitter is not', t => {
  const course = new Course(minutely, seconds20, noon, noon + 3 * minute + 10_000);
  const step = course.at(noon + 3 * minute + 10_000, 0);
  t.deepEqual(step, {kind: 'lost', after: noon, until: noon + 3 * minute - 10_000});
  course.took(step);
  t.deepEqual(walk(course, [noon + 3 * minute + 20_000]), ['12:03:00']);
});

const jitter = (jitterMs: number) => ({of: (at: number) => jitterOf('nightly', jitterMs, at), longestMs: jitterMs});

test('jitter that is longer than the time between two occurrences loses none, and keeps their order', t => {
  const told = walk(new Course(minutely, jitter(hour), noon, noon), every(10_000, noon, noon + 8 * hour));
  t.deepEqual(told, every(minute, noon + minute, noon + told.length * minute).map(time));
  t.true(told.length >= 7 * 60, String(told.length));
});

test('nor does it after a clock that was set back', t => {
  const course = new Course(minutely, jitter(hour), noon, noon);
  const told = [...every(10_000, noon, noon + 3 * hour), ...every(10_000, noon + hour, noon + 8 * hour)];
  const fired = walk(course, told);
  t.deepEqual(fired, every(minute, noon + minute, noon + fired.length * minute).map(time));
});

test('what is still to come because of its jitter is not lost with an earlier one that had less', t => {
  const delay = {of: (at: number) => (at < noon + 3 * minute ? 0 : 50_000), longestMs: minute};
  const course = new Course(minutely, delay, noon, noon + 4 * minute + 10_000);
  const step = course.at(noon + 4 * minute + 10_000, 0);
  t.deepEqual(step, {kind: 'lost', after: noon, until: noon + 3 * minute + 10_000});
  course.took(step);
  t.deepEqual(walk(course, [noon + 4 * minute + 50_000]), ['12:04:00']);
});

test('the jitter of an occurrence is always the same, within its bounds, and spread', t => {
  const delays = every(minute, noon, noon + 200 * minute).map(at => jitterOf('nightly', 30_000, at));
  t.deepEqual(
    delays,
    every(minute, noon, noon + 200 * minute).map(at => jitterOf('nightly', 30_000, at)),
  );
  t.true(delays.every(ms => Number.isInteger(ms) && ms >= 0 && ms < 30_000));
  t.true(Math.min(...delays) < 5000 && Math.max(...delays) > 25_000);
  t.not(jitterOf('nightly', 30_000, noon), jitterOf('weekly', 30_000, noon));
  t.is(jitterOf('nightly', 0, noon), 0);
});

test('what was lost is counted, and the newest are named', t => {
  t.deepEqual(lostBetween(minutely, noon, noon, 3), {newest: [], count: 0, isCounted: true, first: undefined});
  t.deepEqual(lostBetween(minutely, noon, noon + 2 * minute, 1), {
    newest: [noon + 2 * minute],
    count: 2,
    isCounted: true,
    first: noon + minute,
  });
});

test('a year of seconds is not counted one by one', t => {
  const secondly = calendarOf('* * * * * *', 'UTC');
  let asked = 0;
  const counted = {
    next(after: number) {
      asked++;
      return secondly.next(after);
    },
  };
  const until = noon + 365 * 24 * hour;
  const {newest, count, isCounted, first} = lostBetween(counted, noon, until, 3);
  t.deepEqual(newest, [until - 2000, until - 1000, until]);
  t.deepEqual({count, isCounted, first}, {count: 1000, isCounted: false, first: noon + 1000});
  t.true(asked < 2000, String(asked));
});

test('the newest of a rare burst are found across the years', t => {
  const burst = calendarOf('* 0 0 1 1 *', 'UTC');
  const until = Date.UTC(2060, 5, 1);
  t.is(lostBetween(burst, noon, until, 2).newest.at(-1), Date.UTC(2060, 0, 1, 0, 0, 59));
});
