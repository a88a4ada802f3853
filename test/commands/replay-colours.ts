import test from 'ava';
import {colouredReport} from '../../src/commands/replay-colours.ts';

test('without a terminal a report is as it was, and what a terminal would obey is shown', t => {
  const text = 'Replayed 1 invocation: a against b\n\n  --- recorded\n  + new\x1b[2J\n  - old\n  @@';
  t.is(colouredReport(text), text.replace('\x1b', String.raw`\x1b`));
});
