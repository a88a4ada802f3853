import test from 'ava';
import type {ExitReason} from '../../src/facts.ts';
import type {Trouble} from '../../src/workers/process/parts.ts';
import {Spares, type Stuck} from '../../src/workers/process/spares.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';

const trouble: Trouble = {cause: 'It does not answer', remedy: 'a spare is started', isSilent: true};

/** A place whose process is stuck; each launch is over at once. */
function open(some: Partial<Stuck> = {}) {
  const clock = new ManualClock();
  const log = recordingLog();
  const meter = recordingMeter();
  const memory = {freeBytes: 100};
  const told: string[] = [];
  const stuck: Stuck = {
    purpose: 'start',
    pid: 7,
    ownBytes: 100,
    isWaitedFor: true,
    servesNobody: false,
    doubt: () => void told.push('doubted'),
    end: async (reason: ExitReason) => void told.push(`ended: ${reason}`),
    ...some,
  };
  const launch = async () => void told.push('launched');
  const spares: Spares<Stuck> = new Spares({clock, log, meter, freeBytes: () => memory.freeBytes}, launch, (process, why) => {
    told.push('again');
    spares.startFor(process, why);
  });
  const outcomes = () => meter.calls.filter(([name]) => name === 'spared').map(([, outcome]) => outcome);
  const start = async () => {
    spares.startFor(stuck, trouble);
    await settle();
  };
  return {clock, log, memory, told, stuck, spares, outcomes, start};
}

test('a spare that does not fit is not started; the log says so once, and it is looked at again', async t => {
  const {clock, log, memory, told, outcomes, start} = open();
  memory.freeBytes = 99;
  for (let times = 0; times < 10; times++) await start();
  t.deepEqual(told, []);
  t.deepEqual(
    log.lines.map(({message}) => message),
    ['It does not answer. The memory has no room for a spare: callers wait'],
  );
  t.like(log.lines[0]?.fields, {pid: 7, freeBytes: 99, neededBytes: 100});
  await clock.advance(3000);
  t.deepEqual(told, ['again', 'again', 'again']);
  t.is(log.lines.length, 1);
  t.deepEqual(outcomes(), ['no-memory']);
  memory.freeBytes = 100;
  await clock.advance(1000);
  t.deepEqual(told.slice(3), ['again', 'doubted', 'launched']);
  t.is(log.lines.at(-1)?.message, 'It does not answer: a spare is started');
});

test('where it does not fit, a process for whose calls nobody waits is ended, which makes room', async t => {
  const {told, memory, start} = open({isWaitedFor: false});
  memory.freeBytes = 0;
  await start();
  t.deepEqual(told, ['ended: stuck']);
});

test('after a spare that was not needed the next is started after a pause, which grows to 8 s', async t => {
  const {clock, told, spares, stuck, outcomes, start} = open();
  for (const pauseMs of [1000, 2000, 4000, 8000, 8000]) {
    await start();
    t.is(told.at(-1), 'launched');
    spares.dismiss(stuck, true);
    await clock.advance(pauseMs - 1);
    const before = told.length;
    await start();
    t.is(told.length, before);
    await clock.advance(1);
  }
  await start();
  spares.tookOver({...stuck, purpose: 'spare'});
  await start();
  t.is(told.at(-1), 'launched');
  t.deepEqual(outcomes(), [...Array(5).fill('not-needed'), 'took-over']);
});

test('after a spare that did not become ready another is started after a pause, which doubles', async t => {
  const {clock, told, spares, stuck, outcomes, start} = open();
  await start();
  for (const pauseMs of [1000, 2000, 4000]) {
    spares.failed(stuck);
    await clock.advance(pauseMs - 1);
    t.not(told.at(-1), 'again');
    await clock.advance(1);
    t.deepEqual(told.slice(-3), ['again', 'doubted', 'launched']);
  }
  t.deepEqual(outcomes(), ['failed', 'failed', 'failed']);
});

test('newer code ends the pause, and is no spare', async t => {
  const {told, spares, stuck, outcomes, start} = open();
  await start();
  for (let times = 0; times < 5; times++) spares.failed(stuck);
  spares.tookOver({...stuck, purpose: 'reload'});
  await start();
  t.deepEqual(told, ['doubted', 'launched', 'doubted', 'launched']);
  t.false(outcomes().includes('took-over'));
});

test('a process that serves nobody is ended when its spare did not become ready', async t => {
  const {told, spares, stuck, start} = open({servesNobody: true});
  await start();
  spares.failed(stuck);
  t.deepEqual(told.slice(-1), ['ended: stuck']);
});
