import test from 'ava';
import {recorder} from '../src/compose.ts';
import {parseConfig} from '../src/config.ts';
import type {Fact} from '../src/facts.ts';
import {MemoryJournal} from '../src/journals/memory.ts';
import {ManualClock} from './helpers/clock.ts';
import {recordingLog, recordingMeter} from './helpers/fakes.ts';

const fact: Fact = {type: 'invocation.accepted', data: {source: 'test', bytes: 0, attempt: 1}};

function open(journalHttp: string, failure?: Error) {
  const clock = new ManualClock();
  const journal = new MemoryJournal(clock);
  if (failure) journal.append = () => Promise.reject(failure);
  const log = recordingLog();
  const record = recorder(journal, parseConfig({CORE_JOURNAL_HTTP: journalHttp}), {log, meter: recordingMeter(), clock});
  return {record, log, kept: async () => (await journal.last('invocation.a'))?.fact};
}

test('a fact that cannot be kept is told; only what is written ahead is stopped by it', async t => {
  const {record, log} = open('facts', new Error('disk full'));
  await t.notThrowsAsync(record('a', fact, {writeAhead: false}));
  await t.throwsAsync(record('a', fact, {writeAhead: true}), {message: 'disk full'});
  t.deepEqual(
    log.lines.map(({level, fields}) => [level, fields.cause]),
    [
      ['error', 'disk full'],
      ['error', 'disk full'],
    ],
  );
});

test('CORE_JOURNAL_HTTP=off keeps nothing of HTTP, and all that is written ahead', async t => {
  const {record, kept} = open('off');
  await record('a', fact, {writeAhead: false});
  t.is(await kept(), undefined);
  await record('a', fact, {writeAhead: true});
  t.deepEqual(await kept(), fact);
});
