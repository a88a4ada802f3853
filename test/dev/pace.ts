import test from 'ava';
import {Pace} from '../../src/dev/pace.ts';

/** Counts one change of these files so often, each so long after the last. @returns the time, and how often it said that it slows down */
function change(pace: Pace, files: readonly string[], times: number, everyMs: number, from = 0) {
  let [now, slowed] = [from, 0];
  for (let each = 0; each < times; each++) {
    now += everyMs;
    if (pace.count(files, now)) slowed++;
  }
  return {now, slowed};
}

test('files that change ten times in a row are looked at every two seconds, for as long as they go on', t => {
  const pace = new Pace();
  const {now} = change(pace, ['gen.js'], 9, 100);
  t.is(pace.waitMs(now), 0);
  t.true(pace.count(['gen.js'], now + 100));
  t.is(pace.waitMs(now + 150), 1950);
  const later = change(pace, ['gen.js'], 5, 2000, now + 100);
  t.is(later.slowed, 0, 'said once');
  t.is(pace.waitMs(later.now), 2000);
});

test('a pause, and other files, end it', t => {
  const pace = new Pace();
  const {now} = change(pace, ['gen.js'], 10, 100);
  pace.count(['gen.js'], now + 3100);
  t.is(pace.waitMs(now + 3100), 0);
  const again = change(pace, ['gen.js'], 10, 100, now + 3100);
  pace.count(['gen.js', 'handler.js'], again.now + 2000);
  t.is(pace.waitMs(again.now + 2000), 0);
});

test('edits of a person, who waits a second in between, are never slowed down', t => {
  const pace = new Pace();
  t.is(change(pace, ['handler.js'], 100, 1001).slowed, 0);
});
