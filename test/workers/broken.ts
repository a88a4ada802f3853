import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import test from 'ava';
import {Fault} from '../../src/errors.ts';
import {BrokenConnections} from '../../src/workers/hop/broken.ts';
import {ManualClock, settle} from '../helpers/clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const open = () => {
  const clock = new ManualClock();
  return {clock, broken: new BrokenConnections({clock, isEnding: () => false, onDeaf() {}})};
};

test('nothing is kept of callers that got their answer, however long the process lives', async t => {
  const {clock, broken} = open();
  const faults: WeakRef<Fault>[] = [];
  const ask = () => {
    const lost = new Fault('UPSTREAM_LOST');
    faults.push(new WeakRef(lost));
    return broken.reasonOf(lost).then(({code}) => code);
  };
  const asked = Array.from({length: 100}, ask);
  await clock.advance(250);
  t.deepEqual(new Set(await Promise.all(asked)), new Set(['UPSTREAM_LOST']));
  await settle();
  collectGarbage();
  t.is(faults.filter(fault => fault.deref() !== undefined).length, 0);
  t.is(clock.pending, 0);
  t.is(broken.restMs, 0, 'it is still there');
});

test('a caller that asks when the reason is known gets it at once', async t => {
  const {clock, broken} = open();
  broken.over(new Fault('UPSTREAM_LOST', {message: 'it exited'}));
  t.is((await broken.reasonOf(new Fault('UPSTREAM_LOST'))).message, 'it exited');
  t.is(clock.pending, 0);
});
