import {Worker} from 'node:worker_threads';
import test from 'ava';
import {openJournal} from '../../src/journals/open.ts';
import {endUnused, startAhead, takeWorker} from '../../src/journals/sqlite/worker.ts';
import {ManualClock} from '../helpers/clock.ts';
import {recordingLog, recordingMeter} from '../helpers/fakes.ts';
import {fact} from '../helpers/journal-suite.ts';
import {newFile, openFile, retention} from '../helpers/sqlite-journal.ts';

test.afterEach(() => endUnused());

function exitOf(worker: Worker | undefined): Promise<unknown> {
  if (!worker) throw new TypeError('Expected a thread');
  worker.ref(); // the test waits for it
  return new Promise(resolve => worker.once('exit', resolve));
}

test.serial('a thread that ended before it was wanted is not taken', async t => {
  const worker = startAhead();
  await worker?.terminate();
  await using journal = await openFile(await newFile(t));
  t.is((await journal.append('runtime.1', [fact(1)])).durability, 'fsync');
});

test.serial('a thread that fails before it is wanted ends nothing else', async t => {
  const worker = startAhead();
  const exited = exitOf(worker);
  worker?.postMessage({type: 'open'}); // of no file
  await exited;
  await using journal = await openFile(await newFile(t));
  t.is((await journal.append('runtime.1', [fact(1)])).durability, 'fsync');
});

test.serial('the journal takes the thread that was started ahead, once', async t => {
  startAhead();
  const later = new Worker('', {eval: true});
  const taken = takeWorker();
  const another = takeWorker();
  t.true(taken.threadId < later.threadId);
  t.true(another.threadId > later.threadId);
  await Promise.all([taken, another, later].map(worker => worker.terminate()));
});

test.serial('a thread that was started ahead writes the journal', async t => {
  startAhead();
  await using journal = await openFile(await newFile(t));
  t.is((await journal.append('runtime.1', [fact(1)])).durability, 'fsync');
});

test.serial('a thread that no journal takes ends when another engine keeps the facts', async t => {
  const exited = exitOf(startAhead());
  const house = {clock: new ManualClock(), log: recordingLog(), meter: recordingMeter()};
  const {journal} = await openJournal({location: 'memory:', fallback: undefined, mustLast: false, retention}, house);
  await using _closed = journal;
  await t.notThrowsAsync(exited);
});
