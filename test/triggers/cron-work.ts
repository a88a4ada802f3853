import test, {type ExecutionContext} from 'ava';
import {ConfigurationError, Fault} from '../../src/errors.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {readRequest} from '../../src/journals/payload.ts';
import {scheduleHistory} from '../../src/projections/schedule-history.ts';
import {WorkHall} from '../../src/work/hall.ts';
import type {Claimed, Enqueued} from '../../src/work.ts';
import {table} from '../../triggers/cron/view.ts';
import {ManualClock} from '../helpers/clock.ts';
import {at, factsOf, minute, noon, openCore, pastJournal} from '../helpers/cron.ts';

/*
Schedules that hand their occurrences on to work. Nothing claims work here, so that a test decides what becomes of it.
*/

const limits = {attempts: 8, deaths: 3};
const settled = {type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}} as const;
const died = {type: 'invocation.settled', data: {outcome: 'dead-lettered', status: 500, durationMs: 1}} as const;
const again = {type: 'retry.scheduled', data: {attempt: 2, afterMs: 0}} as const;

function hallOf(journal: MemoryJournal, clock: ManualClock, some: Partial<Pick<WorkHall, 'most' | 'durability'>> = {}) {
  return new WorkHall(journal.work, {limits, most: 100, durability: 'fsync', isKept: () => true, ...some}, clock);
}

interface Options {
  readonly clock?: ManualClock;
  readonly journal?: MemoryJournal;
  readonly schedule?: object;
  readonly most?: number;
  readonly core?: string;
}

async function open(t: ExecutionContext, {clock = new ManualClock(noon), schedule, most = 100, ...some}: Options = {}) {
  const journal = some.journal ?? new MemoryJournal(clock);
  const hall = hallOf(journal, clock, {most});
  const core = await openCore(t, {...some, clock, journal, hall, schedule: {delivery: 'work', ...schedule}});
  const {work} = journal;
  return {
    ...core,
    hall,
    work,
    /** What work has, by the occurrences, in the order in which it was accepted: ids of one millisecond are in none. */
    async given() {
      const has = new Set((await work.list({limit: 100})).map(({id}) => id));
      const items: {id: string}[] = [];
      for await (const {stream, fact} of journal.scan('invocation.')) {
        const id = stream.slice('invocation.'.length);
        if (fact.type === 'invocation.accepted' && has.has(id)) items.push({id});
      }
      const requests = await Promise.all(
        items.map(async ({id}) => readRequest((await journal.payload(`invocation.${id}/request`)) ?? Buffer.alloc(0))),
      );
      return requests.map(({context}) => (context as {schedule: {occurrence: string}}).schedule.occurrence);
    },
    claim: async () => (await work.claim(1, limits))[0] as Claimed,
  };
}

/** An enqueue that has not ended before the end of the test. */
function never(t: ExecutionContext): () => Promise<Enqueued> {
  const {promise, resolve} = Promise.withResolvers<Enqueued>();
  t.teardown(() => resolve({kind: 'full'}));
  return () => promise;
}

const claimsIn = async (journal: MemoryJournal) =>
  (await factsOf(journal, 'schedule.fired')) as {occurrence: string; invocationId: string}[];

test('without work, or with a journal that would lose it, the start is refused, and the message names the schedule', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const off = await t.throwsAsync(openCore(t, {clock, schedule: {delivery: 'work'}}), {instanceOf: ConfigurationError});
  t.deepEqual(off.problems, ['CORE_SCHEDULES: schedule `nightly`: expected CORE_WORK=on, as its `delivery` is work']);
  const hall = hallOf(journal, clock, {durability: 'buffered'});
  const lost = await t.throwsAsync(openCore(t, {clock, journal, hall, schedule: {delivery: 'work'}}), {instanceOf: ConfigurationError});
  t.regex(lost.problems[0] ?? '', /expected a journal that outlives the core, such as CORE_JOURNAL=sqlite:<path>/);
});

test('an occurrence is handed on once, as the invocation that its claim names, and runs nowhere else', async t => {
  const {clock, given, journal, runs, work, meter} = await open(t, {schedule: {input: {task: 'count'}}});
  await clock.advance(2 * minute);
  t.deepEqual(await given(), [at(1), at(2)]);
  t.is(runs.length, 0);
  const claims = await claimsIn(journal as MemoryJournal);
  t.like(claims[0], {delivery: 'work', occurrence: at(1), attempt: 1});
  const [item] = await work.list({limit: 1});
  t.like(item, {id: claims[0]?.invocationId, status: 'waiting', due: noon + minute});
  const request = readRequest((await journal.payload(`invocation.${item?.id}/request`)) ?? Buffer.alloc(0));
  t.like(request, {eventType: 'cron', method: 'POST', path: '/', reply: 'http', headers: ['Content-Type', 'application/json']});
  t.is(request.body.toString(), '{"task":"count"}');
  t.like((await factsOf(journal, 'invocation.accepted'))[0], {source: 'cron:nightly', attempt: 1});
  t.deepEqual(meter.calls.filter(([name]) => name === 'scheduleFired').length, 2);
});

test('a core that ends between the claim and the enqueue leaves an occurrence that the next start hands on, once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await open(t, {clock, journal});
  const enqueue = journal.work.enqueue.bind(journal.work);
  journal.work.enqueue = never(t); // the core ends while it waits
  await clock.advance(minute);
  const [claim] = await claimsIn(journal);
  t.is(claim?.occurrence, at(1));
  t.deepEqual(await first.given(), []);
  journal.work.enqueue = enqueue;

  const second = await open(t, {clock, journal, core: 'core-2'});
  t.deepEqual(await second.given(), [at(1)]);
  t.is((await second.work.list({limit: 1}))[0]?.id, claim?.invocationId);
  await open(t, {clock, journal, core: 'core-3'});
  t.deepEqual(await second.given(), [at(1)], 'a third start finds it handed on');
  await second.work.settle(await second.claim(), {facts: [settled]});
  await open(t, {clock, journal, core: 'core-4'});
  t.deepEqual(await second.given(), [], 'and a fourth one finds it over');
  t.is((await claimsIn(journal)).length, 1);
});

test('a try that seemed to fail and was kept hands nothing on twice', async t => {
  const {clock, given, journal, work} = await open(t);
  const enqueue = work.enqueue.bind(work);
  let tries = 0;
  work.enqueue = async (...all) => {
    const enqueued = await enqueue(...all);
    if (tries++ === 0) throw new Fault('JOURNAL_FAILED');
    return enqueued;
  };
  await clock.advance(minute);
  await clock.advance(5000);
  t.deepEqual(await given(), [at(1)]);
  t.is((await factsOf(journal, 'invocation.accepted')).length, 1);
});

test('overlap forbid: an occurrence is skipped while work has not ended an earlier one; a dead letter is over', async t => {
  const {clock, claim, given, journal, work} = await open(t, {schedule: {overlap: 'forbid'}});
  await clock.advance(minute);
  const claimed = await claim();
  await work.retryAt(claimed, {facts: [again], due: noon + 3 * minute, deaths: 0});
  await clock.advance(minute);
  t.deepEqual(await given(), [at(1)]);
  t.like((await factsOf(journal, 'schedule.missed'))[0], {occurrence: at(2), reason: 'overlap'});
  await clock.advance(minute - 1);
  const last = await claim();
  t.is(last, undefined as never, 'not due yet');
  await clock.advance(1);
  await work.settle(await claim(), {facts: [died], dead: {why: 'exhausted', class: 'error', status: 500}});
  await clock.advance(minute);
  t.deepEqual(await given(), [at(1), at(4)]);
});

test('overlap forbid: the next start knows of an earlier one that work has', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await open(t, {clock, journal, schedule: {overlap: 'forbid'}});
  await clock.advance(minute);
  await first.close();
  const second = await open(t, {clock, journal, core: 'core-2', schedule: {overlap: 'forbid'}});
  await clock.advance(minute);
  t.deepEqual(await second.given(), [at(1)]);
});

test('overlap replace: an earlier one that is not over is cancelled', async t => {
  const {clock, given, journal} = await open(t, {schedule: {overlap: 'replace'}});
  await clock.advance(2 * minute);
  t.deepEqual(await given(), [at(2)]);
  t.like((await factsOf(journal, 'invocation.settled'))[0], {outcome: 'cancelled'});
});

test('overlap replace: a core that was second cancels the earlier one, and not the one that another core has handed on', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await open(t, {clock, journal, schedule: {overlap: 'replace'}});
  await open(t, {clock, journal, core: 'core-2', schedule: {overlap: 'replace'}});
  await clock.advance(3 * minute);
  t.deepEqual(await first.given(), [at(3)]);
});

test('overlap replace: past occurrences replace none', async t => {
  const clock = new ManualClock(noon);
  const journal = (await pastJournal(clock)) as MemoryJournal;
  clock.setWall(noon + 3 * minute + 500);
  const {given} = await open(t, {clock, journal, schedule: {catchUp: 'all(2)', overlap: 'replace'}});
  t.deepEqual(await given(), [at(2), at(3)]);
  await clock.advance(minute);
  t.deepEqual(await given(), [at(4)]);
});

test('while as much work waits as may, an occurrence waits, and those behind it', async t => {
  const {clock, claim, given, work, log} = await open(t, {most: 1});
  await clock.advance(minute);
  await clock.advance(minute);
  t.deepEqual(await given(), [at(1)]);
  t.true(log.lines.some(({message}) => message === 'As much work waits as may: the occurrence waits for some to end'));
  await work.settle(await claim(), {facts: [settled]});
  await clock.advance(30_000);
  t.deepEqual(await given(), [at(2)]);
});

test('what comes while work is full for long is missed, and the schedule goes on', async t => {
  const {clock, claim, given, journal, work} = await open(t, {most: 1});
  await clock.advance(5 * minute);
  await work.settle(await claim(), {facts: [settled]});
  await clock.advance(30_000);
  t.deepEqual(await given(), [at(2)]);
  t.like((await factsOf(journal, 'schedule.missed'))[0], {first: at(3), occurrence: at(4), count: 2, reason: 'late'});
  await work.settle(await claim(), {facts: [settled]});
  await clock.advance(minute);
  t.deepEqual(await given(), [at(5)]);
});

test('occurrences that are caught up are handed on, the oldest first', async t => {
  const clock = new ManualClock(noon);
  const journal = (await pastJournal(clock)) as MemoryJournal;
  clock.setWall(noon + 3 * minute + 500);
  const {given} = await open(t, {clock, journal, schedule: {catchUp: 'all(2)'}});
  t.deepEqual(await given(), [at(2), at(3)]);
});

test('by hand: it is handed on and says where; when work is full it is refused and can be fired again', async t => {
  const {claim, given, journal, schedules, work} = await open(t, {most: 1});
  const fired = await schedules.fire('nightly', noon - minute);
  t.like(fired, {occurrence: at(-1), status: 202, handedOn: true});
  t.is((await claimsIn(journal as MemoryJournal))[0]?.invocationId, 'invocationId' in fired ? fired.invocationId : '');
  t.like(await schedules.fire('nightly', noon - minute), {why: 'conflict'});
  t.like(await schedules.fire('nightly', noon - 2 * minute), {status: 503, code: 'WORK_FULL'});
  await work.settle(await claim(), {facts: [settled]});
  t.like(await schedules.fire('nightly', noon - 2 * minute), {status: 202, handedOn: true});
  t.deepEqual(await given(), [at(-2)]);
});

test('by hand: what was claimed and could not be kept is handed on later', async t => {
  const {clock, given, schedules, work} = await open(t);
  const enqueue = work.enqueue.bind(work);
  work.enqueue = async () => {
    throw new Fault('JOURNAL_FAILED');
  };
  t.like(await schedules.fire('nightly', noon - minute), {status: 503, code: 'JOURNAL_FAILED', waits: true});
  work.enqueue = enqueue;
  await clock.advance(1000);
  t.deepEqual(await given(), [at(-1)]);
});

test('a schedule that no longer hands on leaves what work has, and delivers what was claimed and not handed on', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await open(t, {clock, journal});
  await clock.advance(minute);
  journal.work.enqueue = never(t);
  await clock.advance(minute);
  const {occurrences} = await openCore(t, {clock, journal, core: 'core-2', hall: first.hall});
  t.deepEqual(occurrences(), [at(2)]);
  t.deepEqual(await first.given(), [at(1)]);
});

test('the list says where work is with the newest one', async t => {
  const {claim, clock, schedules, work} = await open(t);
  const newest = async () => (await schedules.list())[0]?.handedOn;
  t.is(await newest(), undefined);
  await clock.advance(2 * minute);
  t.like(await newest(), {occurrence: at(2), status: 'waiting'});
  await work.settle(await claim(), {facts: [settled]});
  const claimed = await claim();
  t.like(await newest(), {occurrence: at(2), status: 'running', invocationId: claimed.id});
  await work.retryAt(claimed, {facts: [again], due: clock.now(), deaths: 0});
  t.like(await newest(), {status: 'retrying'});
  await work.settle(await claim(), {facts: [settled]});
  t.like(await newest(), {status: 'responded'});
  const [view] = await schedules.list();
  t.true(view && table(view).includes(`\n  handed on ${at(2)} as invocation ${claimed.id}: responded\n`));
});

test('the history says where work is with an occurrence', async t => {
  const {claim, clock, journal, work} = await open(t);
  await clock.advance(minute);
  const newest = async () => (await scheduleHistory(journal, 'nightly', 1, clock.now()))[0];
  t.like(await newest(), {delivery: 'work', occurrence: at(1), status: 'waiting'});
  const claimed = await claim();
  t.like(await newest(), {status: 'running'});
  await work.retryAt(claimed, {facts: [again], due: clock.now(), deaths: 0});
  t.like(await newest(), {status: 'retrying'});
  await work.settle(await claim(), {facts: [died], dead: {why: 'exhausted', class: 'error', status: 500}});
  t.like(await newest(), {status: 'dead-lettered', replyStatus: 500});
  await work.redrive(claimed.id, {facts: [{type: 'invocation.redriven', data: {deadForMs: 0}}], due: clock.now()});
  t.like(await newest(), {status: 'waiting', replyStatus: undefined});
});
