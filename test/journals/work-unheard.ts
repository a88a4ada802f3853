import {mkdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import {Keeper} from '../../src/journals/sqlite/keeper.ts';
import {writeLine} from '../../src/journals/sqlite/line.ts';
import type {Command} from '../../src/journals/sqlite/messages.ts';
import {SqliteReader} from '../../src/journals/sqlite/reader.ts';
import type {WorkChange} from '../../src/journals/sqlite/work-change.ts';
import type {WorkItem} from '../../src/work.ts';
import {newFile} from '../helpers/sqlite-journal.ts';

/*
Commits that are kept but reported to have failed, as when a disk refuses to sync what it has written. The process that asked
for them goes on, and must not wait for what nobody runs.
*/

const limits = {attempts: 3, deaths: 2};
const settled: Fact = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}};

async function opened(t: ExecutionContext) {
  const file = await newFile(t);
  mkdirSync(dirname(file));
  const keeper = new Keeper(file, {factsMs: 1e12, payloadsMs: 1e12, maxBytes: 2 ** 30}, () => {});
  t.teardown(() => keeper[Symbol.dispose]());
  let now = 1_800_000_000_000;
  const act = (work: WorkChange, facts: readonly Fact[] = [], id = 'one') => {
    now += 1001; // a file that failed is opened again at once the first time, then once a second
    const stream = work.kind === 'claim' ? 'work' : `invocation.${id}`;
    const command: Command = {stream, text: facts.map(fact => writeLine(stream, now, fact)).join(''), count: facts.length, work};
    const [outcome] = keeper.commit([command], now);
    return outcome;
  };
  const enqueue = (item: Partial<WorkItem> = {}, claims = false) => {
    const fact: Fact = {type: 'invocation.accepted', data: {source: 'work', bytes: 0, attempt: 1}};
    return act({kind: 'enqueue', item: {id: 'one', acceptedAt: now, due: now, ...item}, key: undefined, claims, most: 9}, [fact]);
  };
  const claim = () => {
    const outcome = act({kind: 'claim', most: 5, limits});
    return outcome && 'claimed' in outcome
      ? (outcome.claimed ?? []).map(({id, task, attempts, deaths, epoch}) => ({id, task, attempts, deaths, epoch}))
      : [];
  };
  const facts = () => {
    const db = new DatabaseSync(file, {readOnly: true});
    const told = new SqliteReader(db).page({of: {stream: 'invocation.one'}, after: 0}).facts.map(({fact}) => fact);
    db.close();
    return told.map(fact => (fact.type === 'attempt.failed' ? `${fact.type} ${fact.data.class} ${fact.data.code}` : fact.type));
  };
  return {act, enqueue, claim, facts};
}

/** The next commit is kept, and fails all the same. */
function failsOnce(t: ExecutionContext, act: () => unknown): void {
  const {exec} = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    exec.call(this, sql);
    if (sql === 'COMMIT') throw new Error('disk I/O error');
  };
  try {
    t.throws(act, {message: 'disk I/O error'});
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}

test.serial('a claim that was kept but reported to have failed is due again, and costs neither an attempt nor a death', async t => {
  const {act, enqueue, claim, facts} = await opened(t);
  enqueue();
  for (let time = 0; time < 4; time++) failsOnce(t, claim);
  t.deepEqual(claim(), [{id: 'one', task: 'run', attempts: 1, deaths: 0, epoch: 5}]);
  const failed = 'attempt.failed busy JOURNAL_FAILED';
  t.deepEqual(facts(), ['invocation.accepted', ...Array(4).fill(['attempt.started', failed]).flat(), 'attempt.started']);
  t.deepEqual(act({kind: 'settle', id: 'one', epoch: 4}, [settled]), {outdated: true});
  t.like(act({kind: 'settle', id: 'one', epoch: 5}, [settled]), {position: 11});
});

test.serial('what this process runs goes on when the file is opened again', async t => {
  const {act, enqueue, claim} = await opened(t);
  enqueue();
  t.is(claim()[0]?.epoch, 1);
  failsOnce(t, () => enqueue({id: 'two'}));
  t.deepEqual(
    claim().map(({id}) => id),
    ['two'],
  );
  t.like(act({kind: 'settle', id: 'one', epoch: 1}, [settled]), {position: 5});
});

test.serial('a call whose sender was told that it was not taken is withdrawn; work that nobody waits for runs', async t => {
  const {enqueue, claim} = await opened(t);
  failsOnce(t, () => enqueue({mostAttempts: 1}, true));
  t.like(claim(), [{id: 'one', task: 'withdraw'}]);
  failsOnce(t, () => enqueue({id: 'two'}, true));
  t.like(claim(), [{id: 'two', task: 'run', attempts: 1}]);
});

test.serial('an end that was kept but reported to have failed is over: it cannot be kept twice', async t => {
  const {act, enqueue, claim, facts} = await opened(t);
  enqueue();
  claim();
  const settle = () => act({kind: 'settle', id: 'one', epoch: 1}, [settled]);
  failsOnce(t, settle);
  t.deepEqual(settle(), {outdated: true});
  t.deepEqual(claim(), []);
  t.is(facts().at(-1), 'invocation.settled');
});
