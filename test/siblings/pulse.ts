import test from 'ava';
import {Pulse} from '../../src/serve/siblings/pulse.ts';
import {ManualClock} from '../helpers/clock.ts';

function open() {
  const clock = new ManualClock();
  let silences = 0;
  const pulse = new Pulse({lookMs: 1000, silentAfter: 5, onSilent: () => void silences++}, clock);
  return {clock, pulse, silences: () => silences};
}

test('a process without a sign of life is late first, then silent, which is reported once', async t => {
  const {clock, pulse, silences} = open();
  await clock.advance(1999);
  t.false(pulse.isLate);
  await clock.advance(1);
  t.true(pulse.isLate);
  await clock.advance(2999);
  t.is(silences(), 0);
  await clock.advance(1);
  t.is(silences(), 1);
  t.true(pulse.isSilent);
  await clock.advance(20_000);
  t.is(silences(), 1);
});

test('a sign of life begins the count again, and the next silence is reported, too', async t => {
  const {clock, pulse, silences} = open();
  for (let seconds = 0; seconds < 30; seconds++) {
    await clock.advance(1000);
    pulse.beat();
  }
  t.is(silences(), 0);
  await clock.advance(5000);
  pulse.beat();
  t.false(pulse.isLate);
  await clock.advance(5000);
  t.is(silences(), 2);
});

test('a pulse that was stopped reports nothing', async t => {
  const {clock, pulse, silences} = open();
  await clock.advance(4000);
  pulse.stop();
  await clock.advance(10_000);
  t.is(silences(), 0);
  t.is(clock.pending, 0);
});
