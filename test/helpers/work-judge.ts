import {existsSync} from 'node:fs';
import {setTimeout as pause} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import type {Fact} from '../../src/facts.ts';
import {fieldOf} from '../../src/http/field.ts';
import {readRequest} from '../../src/journals/payload.ts';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {ManualClock} from './clock.ts';
import {type RunningCore, runCli} from './core.ts';
import {writtenLines} from './lines.ts';
import {ask} from './request.ts';
import type {WorkSenders} from './work-senders.ts';
import {disordered, readWork, refute, type WorkTold} from './work-told.ts';

export interface Evidence {
  readonly senders: WorkSenders;
  /** What the function noted: a line for each call. */
  readonly runs: string;
  readonly journal: string;
  /** How often each end was received. */
  readonly received?: ReadonlyMap<string, number>;
}

export interface Verdict {
  readonly work: readonly WorkTold[];
  readonly lostAttempts: number;
  readonly line: string;
}

/** Waits until no work waits or runs. */
export async function drained(core: RunningCore): Promise<void> {
  for (;;) {
    const {waiting, behind, running} = (await ask(`${core.adminUrl}/api/work?limit=1`)).json();
    if (waiting + behind + running === 0) return;
    await pause(50);
  }
}

/**
Judges what cores that were killed have made of work: every id that got a 202 has exactly one end, no outdated claim has written
anything, a key is one run, the order of each ordering key holds, no call is without an attempt, and every reply was posted.

@returns what the journal tells, how many attempts were lost, and a line that says how much there was
*/
export async function judge(t: ExecutionContext, {senders, runs, journal, received}: Evidence): Promise<Verdict> {
  const work = await readWork(journal);
  const calls = existsSync(runs) ? writtenLines(runs) : [];
  const ids = new Set(work.map(({id}) => id));
  t.deepEqual(
    [...senders.promised].filter(id => !ids.has(id)),
    [],
    'promised and lost',
  );
  t.deepEqual(
    work.filter(({isOver}) => !isOver).map(({id}) => id),
    [],
    'without an end',
  );
  t.deepEqual(
    work.flatMap(told => {
      const wrong = refute(told);
      return wrong === undefined ? [] : [`${told.id}: ${wrong}`];
    }),
    [],
  );
  t.deepEqual(
    [...senders.idsOfKey].filter(([, each]) => each.size > 1),
    [],
    'keys with several ids',
  );
  const idsOfName = Map.groupBy(
    [...new Set(calls)].map(line => line.split(' ')),
    ([, name]) => name,
  );
  t.deepEqual(
    [...idsOfName].filter(([, each]) => each.length > 1).map(([name]) => name),
    [],
    'requests that ran under several ids',
  );
  t.deepEqual(callsWithoutAttempt(work, calls), []);
  t.deepEqual(
    work.filter(({id, facts}) => senders.cancelled.has(id) && !endsAs(facts.at(-1)?.fact, 'cancelled')).map(({id}) => id),
    [],
    'cancelled, and went on',
  );
  t.deepEqual(disordered(work), []);
  if (received) t.deepEqual(await unposted(work, journal, received), [], 'replies that were not posted');
  const verified = await runCli(['journal', 'verify', journal]);
  t.is(verified.code, 0, verified.stdout + verified.stderr);
  return verdict(work, calls, senders, received);
}

/**
Sends requests again that had an answer, twice: each gets the same answer, and nothing runs. One that ended without a reply has
none to whoever would wait for it. At most 200 of them.
*/
export async function replays(t: ExecutionContext, core: RunningCore, {answered}: WorkSenders): Promise<void> {
  for (const {sent, answer: first} of [...answered.values()].slice(-200)) {
    const {headers, body, key = ''} = sent;
    const [one, two] = [await ask(core.url, {method: 'POST', headers, body}), await ask(core.url, {method: 'POST', headers, body})];
    if (one.status === 410 && two.status === 410 && [one, two].every(answer => answer.field('core-error') === 'REPLY_GONE')) continue;
    for (const answer of [one, two]) t.is(answer.field('idempotency-replayed'), 'true', `${key}: ${answer.status} ${answer.text()}`);
    t.is(one.field('core-invocation-id'), first.field('core-invocation-id'), key);
    if (first.status !== 202) t.deepEqual([one.status, one.text()], [first.status, first.text()], key);
    t.deepEqual([two.status, two.field('core-invocation-id'), two.text()], [one.status, one.field('core-invocation-id'), one.text()]);
  }
}

const endsAs = (fact: Fact | undefined, outcome: string) => fact?.type === 'invocation.settled' && fact.data.outcome === outcome;

/** The function was called more often than attempts of the item have begun. */
function callsWithoutAttempt(work: readonly WorkTold[], calls: readonly string[]): string[] {
  const called = Map.groupBy(calls, line => line.split(' ')[0] ?? '');
  return work.flatMap(({id, facts}) => {
    const [count, began] = [called.get(id)?.length ?? 0, facts.filter(({fact}) => fact.type === 'attempt.started').length];
    return count > began ? [`${id}: ${count} calls in ${began} attempts`] : [];
  });
}

async function unposted(work: readonly WorkTold[], journal: string, received: ReadonlyMap<string, number>): Promise<string[]> {
  using archive = new SqliteArchive(journal, new ManualClock());
  const missing: string[] = [];
  for (const {id, facts} of work) {
    const end = facts.at(-1)?.fact;
    if (end?.type !== 'invocation.settled' || (end.data.outcome !== 'responded' && end.data.outcome !== 'failed')) continue;
    const request = await archive.payload(`invocation.${id}/request`);
    if (request && fieldOf(readRequest(request).headers, 'core-callback') !== '' && !received.has(id)) missing.push(id);
  }
  return missing;
}

function verdict(
  work: readonly WorkTold[],
  calls: readonly string[],
  senders: WorkSenders,
  received?: ReadonlyMap<string, number>,
): Verdict {
  const facts = work.flatMap(told => told.facts.map(({fact}) => fact));
  const lostAttempts = facts.filter(fact => fact.type === 'attempt.failed' && fact.data.class === 'lost').length;
  const redriven = facts.filter(({type}) => type === 'invocation.redriven').length;
  const outcomes = Map.groupBy(work, told => {
    const end = told.facts.at(-1)?.fact;
    return end?.type === 'invocation.settled' ? end.data.outcome : 'open';
  });
  const ends = [...outcomes].map(([outcome, {length}]) => `${outcome} ${length}`).join(', ');
  const posts = received && [...received.values()].reduce((sum, count) => sum + count, 0);
  const line =
    `${senders.promised.size} got a 202, ${work.length} accepted (${ends}), ${calls.length} calls, ${lostAttempts} attempts lost, ` +
    `${redriven} redriven, ${senders.idsOfKey.size} keys${received ? `, ${received.size} replies posted in ${posts} posts` : ''}; ` +
    `answers ${JSON.stringify([...senders.answers])}`;
  return {work, lostAttempts, line};
}
