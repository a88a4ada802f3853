import test, {type ExecutionContext} from 'ava';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import type {Journal} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory.ts';
import {parseSettings} from '../../src/setting.ts';
import type {Delivery, House, TriggerInput} from '../../src/trigger.ts';
import {cron} from '../../triggers/cron.ts';
import {ManualClock, settle} from '../helpers/clock.ts';
import {fakeHouse, recordingLog, recordingMeter} from '../helpers/fakes.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;
const hour = 60 * minute;
const nightly = {name: 'nightly', cron: '* * * * *'};
const at = (minutes: number) => new Date(noon + minutes * minute).toISOString().replace('.000Z', 'Z');

interface Run {
  readonly occurrence: string;
  readonly input: TriggerInput;
  readonly delivery: Delivery;
  /** Lets the function answer; it does by itself unless the core is `held`. */
  end(): void;
}

interface Options extends Partial<Pick<House, 'core' | 'leaseMs' | 'journal'>> {
  readonly clock?: ManualClock;
  readonly schedule?: object;
  /** The function answers only when it is told to. */
  readonly held?: boolean;
}

/** A core as far as cron sees it: what is delivered is recorded, and settled in the journal when it is over. */
async function openCore(t: ExecutionContext, {clock = new ManualClock(noon), schedule = {}, held = false, ...some}: Options = {}) {
  const journal = some.journal ?? new MemoryJournal(clock);
  const runs: Run[] = [];
  const log = recordingLog();
  const meter = recordingMeter();
  let isCrashed = false;
  const house = fakeHouse({
    ...some,
    journal,
    clock,
    log,
    meter,
    async deliver(_carrier, delivery) {
      const {id = '', attempt = 1, source} = delivery;
      const input = await delivery.input();
      await journal.append(`invocation.${id}`, [{type: 'invocation.accepted', data: {source, bytes: input.body.length, attempt}}]);
      const over = Promise.withResolvers<void>();
      runs.push({occurrence: input.schedule?.occurrence ?? '', input, delivery, end: () => over.resolve()});
      if (!held || delivery.signal.aborted) over.resolve();
      delivery.signal.addEventListener('abort', () => over.resolve());
      await over.promise;
      if (isCrashed) return;
      const fault = delivery.signal.aborted ? new Fault('CALLER_LEFT') : undefined;
      const data = {outcome: fault ? ('cancelled' as const) : ('responded' as const), status: fault?.status ?? 200, durationMs: 1};
      await journal.append(`invocation.${id}`, [{type: 'invocation.settled', data}]);
      delivery.reply({status: data.status, headers: [], body: '', ...(fault && {fault})});
    },
  });
  const {schedules} = parseSettings(cron.settings, {CORE_SCHEDULES: JSON.stringify([{...nightly, ...schedule}])});
  const trigger = await cron.open({schedules}, house);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= trigger[Symbol.asyncDispose]();
    return closed;
  };
  t.teardown(() => {
    for (const run of runs) run.end();
    return close();
  });
  await settle();
  return {
    clock,
    journal,
    runs,
    log,
    meter,
    close,
    schedules: trigger.schedules,
    occurrences: () => runs.map(({occurrence}) => occurrence),
    /** Its end without a last word: nothing that runs settles, nothing more is fired. */
    async crash() {
      isCrashed = true;
      for (const run of runs) run.end();
      await close();
    },
  };
}

async function factsOf(journal: Journal, type: Fact['type']) {
  const found: Fact[] = [];
  for await (const {fact} of journal.scan('')) if (fact.type === type) found.push(fact);
  return found.map(({data}) => data);
}

/** The past of a core that fired at noon and then was down. */
async function pastJournal(clock: ManualClock, schedule: object = {}): Promise<Journal> {
  const journal = new MemoryJournal(clock);
  const rule = {...nightly, timezone: 'UTC', ...schedule};
  const data = {
    name: rule.name,
    occurrence: at(0),
    cron: rule.cron,
    timezone: rule.timezone,
    invocationId: 'past',
    attempt: 1,
    core: 'core-0',
  };
  await journal.append(`schedule.nightly.${at(0)}`, [{type: 'schedule.fired', data}]);
  await journal.append('invocation.past', [{type: 'invocation.settled', data: {outcome: 'responded', status: 200, durationMs: 1}}]);
  return journal;
}

test('nothing fires before its time, nor after the trigger is closed', async t => {
  const {clock, runs, close, journal} = await openCore(t);
  await clock.advance(minute - 1);
  t.is(runs.length, 0);
  await close();
  t.is(clock.pending, 0);
  await clock.advance(hour);
  t.is(runs.length, 0);
  t.deepEqual(await factsOf(journal, 'schedule.fired'), []);
});

test('closing while an occurrence is being claimed fires it no more, and leaves its claim to the next start', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const gate = Promise.withResolvers<void>();
  const append = journal.append.bind(journal);
  journal.append = async (...given) => {
    if (given[0].startsWith('schedule.')) await gate.promise;
    return append(...given);
  };
  const {runs, close} = await openCore(t, {clock, journal});
  await clock.advance(minute);
  const closing = close();
  gate.resolve();
  await closing;
  t.is(runs.length, 0);
  const next = await openCore(t, {clock, journal, core: 'core-2'});
  t.deepEqual(next.occurrences(), [at(1)]);
});

test('closing waits for what runs', async t => {
  const {clock, runs, close} = await openCore(t, {held: true});
  await clock.advance(minute);
  let isClosed = false;
  const closing = close().then(() => {
    isClosed = true;
  });
  await settle();
  t.false(isClosed);
  runs[0]?.end();
  await closing;
  t.true(isClosed);
});

test('an occurrence is a delivery that vouches for itself and is written ahead; its event carries the occurrence', async t => {
  const {clock, runs, meter} = await openCore(t, {schedule: {input: {job: 1}}});
  await clock.advance(minute - 5);
  await clock.advance(7);
  t.is(runs.length, 1);
  const {delivery, input} = runs[0] as Run; // there is one
  t.like(delivery, {source: 'cron:nightly', writeAhead: true, principal: {subject: 'cron:nightly'}, attempt: 1});
  t.deepEqual(delivery.subject(), {trigger: 'timer', name: 'nightly', cron: '* * * * *', time: at(1)});
  t.like(input, {eventType: 'cron', method: 'POST', path: '/', query: '', schedule: {name: 'nightly', occurrence: at(1)}});
  t.is(input.body.toString(), '{"job":1}');
  t.deepEqual(
    meter.calls.filter(([name]) => name === 'scheduleFired'),
    [['scheduleFired', 'nightly', 0]],
  );
});

test('the claim names the invocation that it is for', async t => {
  const {clock, runs, journal} = await openCore(t);
  await clock.advance(minute);
  const [fired] = await factsOf(journal, 'schedule.fired');
  t.deepEqual(fired, {
    name: 'nightly',
    occurrence: at(1),
    cron: '* * * * *',
    timezone: 'UTC',
    invocationId: runs[0]?.delivery.id ?? '',
    attempt: 1,
    core: 'core-1',
  });
  t.is((await journal.last(`schedule.nightly.${at(1)}`))?.fact.type, 'schedule.fired');
});

test('every occurrence fires once, in time', async t => {
  const {clock, occurrences} = await openCore(t);
  await clock.advance(5 * minute);
  t.deepEqual(occurrences(), [at(1), at(2), at(3), at(4), at(5)]);
});

test('a wall clock that is set is noticed without any other event', async t => {
  const {clock, occurrences} = await openCore(t, {schedule: {cron: '0 * * * *'}});
  clock.setWall(noon + hour - 1);
  await clock.advance(10_000);
  t.deepEqual(occurrences(), [at(60)]);
  clock.setWall(noon + hour - minute);
  await clock.advance(2 * minute);
  t.deepEqual(occurrences(), [at(60)]);
});

test('what a leap of the clock skipped is noted as missed', async t => {
  const {clock, occurrences, journal} = await openCore(t);
  clock.setWall(noon + 10 * minute + 500);
  await clock.advance(10_000);
  t.deepEqual(occurrences(), [at(10)]);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), [
    {name: 'nightly', occurrence: at(9), cron: '* * * * *', timezone: 'UTC', first: at(1), count: 9, reason: 'late'},
  ]);
});

test('a clock that is set right after a leap fires what had only been noted as missed', async t => {
  const {clock, occurrences} = await openCore(t);
  clock.setWall(noon + 10 * minute + 500);
  await clock.advance(10_000);
  clock.setWall(noon + 500);
  await clock.advance(11 * minute);
  t.deepEqual(occurrences(), [at(10), ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 11].map(at)]);
});

test('the first start has missed nothing', async t => {
  const {journal, runs} = await openCore(t, {clock: new ManualClock(noon + 30_000), schedule: {catchUp: 'all(5)'}});
  t.is(runs.length, 0);
  t.deepEqual(await factsOf(journal, 'schedule.missed'), []);
});

const downtimes: [catchUp: string, run: number[], missed: [first: number, last: number, count: number] | undefined][] = [
  ['none', [], [1, 5, 5]],
  ['latest', [5], [1, 4, 4]],
  ['all(2)', [4, 5], [1, 3, 3]],
  ['all(9)', [1, 2, 3, 4, 5], undefined],
];
for (const [catchUp, run, missed] of downtimes) {
  test(`after downtime, catchUp ${catchUp} runs ${run.length} of five and notes the others`, async t => {
    const clock = new ManualClock(noon);
    const journal = await pastJournal(clock);
    clock.setWall(noon + 5 * minute + 1);
    const {occurrences} = await openCore(t, {clock, journal, schedule: {catchUp}});
    t.deepEqual(occurrences(), run.map(at));
    const facts = await factsOf(journal, 'schedule.missed');
    t.is(facts.length, missed ? 1 : 0);
    if (missed) t.like(facts[0], {first: at(missed[0]), occurrence: at(missed[1]), count: missed[2], reason: 'down'});
    await clock.advance(minute);
    t.deepEqual(occurrences(), [...run, 6].map(at));
  });
}

test('downtime is noted once, whoever starts, and however often', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 5 * minute + 1);
  for (const core of ['core-1', 'core-2', 'core-3']) await (await openCore(t, {clock, journal, core})).close();
  t.is((await factsOf(journal, 'schedule.missed')).length, 1);
});

test('a schedule whose rule was changed has lost nothing of its new rule', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock, {cron: '0 * * * *'});
  clock.setWall(noon + 5 * minute + 1);
  const {runs} = await openCore(t, {clock, journal, schedule: {catchUp: 'all(9)'}});
  t.is(runs.length, 0);
});

test('what is caught up goes one after the other', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 3 * minute + 1);
  const {runs, occurrences} = await openCore(t, {clock, journal, schedule: {catchUp: 'all(3)'}, held: true});
  t.deepEqual(occurrences(), [at(1)]);
  runs[0]?.end();
  await settle();
  t.deepEqual(occurrences(), [at(1), at(2)]);
});

test('overlap allow: an occurrence does not wait for the one before', async t => {
  const {clock, occurrences} = await openCore(t, {held: true});
  await clock.advance(2 * minute);
  t.deepEqual(occurrences(), [at(1), at(2)]);
});

test('overlap forbid: an occurrence is skipped while one before still runs, and noted', async t => {
  const {clock, runs, occurrences, journal} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await clock.advance(2 * minute);
  runs[0]?.end();
  await clock.advance(minute);
  t.deepEqual(occurrences(), [at(1), at(3)]);
  t.like((await factsOf(journal, 'schedule.missed'))[0], {first: at(2), occurrence: at(2), count: 1, reason: 'overlap'});
});

test('overlap forbid: an occurrence that was skipped does not come back with the clock', async t => {
  const {clock, runs, occurrences} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await clock.advance(2 * minute);
  runs[0]?.end();
  clock.setWall(noon + minute + 30_000);
  await clock.advance(minute);
  t.deepEqual(occurrences(), [at(1)]);
});

test('overlap replace: the one before is broken off, whatever CORE_CANCEL says, and over before the next begins', async t => {
  const {clock, runs, occurrences, journal} = await openCore(t, {held: true, schedule: {overlap: 'replace'}});
  await clock.advance(2 * minute);
  t.deepEqual(occurrences(), [at(1), at(2)]);
  t.true(runs[0]?.delivery.signal.aborted && runs[0].delivery.breaksOff);
  t.false(runs[1]?.delivery.signal.aborted);
  t.like((await factsOf(journal, 'invocation.settled'))[0], {outcome: 'cancelled'});
});

test('overlap replace: of two that come together, the earlier is replaced by the later', async t => {
  const {runs, schedules} = await openCore(t, {held: true, schedule: {overlap: 'replace'}});
  const wishes = [1, 2, 3].map(ago => schedules.fire('nightly', noon - ago));
  while (runs.length < 3) await settle();
  t.deepEqual(
    runs.map(({delivery}) => delivery.signal.aborted),
    [true, true, false],
  );
  runs[2]?.end();
  t.deepEqual(
    (await Promise.all(wishes)).map(outcome => 'status' in outcome && outcome.status),
    [499, 499, 200],
  );
});

test('overlap replace: what is caught up replaces nothing that is newer', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 2 * minute + 59_000);
  const {runs, occurrences} = await openCore(t, {clock, journal, held: true, schedule: {overlap: 'replace', catchUp: 'all(2)'}});
  t.deepEqual(occurrences(), [at(1)]);
  await clock.advance(1000);
  t.deepEqual(occurrences(), [at(1), at(3)]);
  t.true(runs[0]?.delivery.signal.aborted);
  runs[1]?.end();
  await settle();
  t.deepEqual(occurrences(), [at(1), at(3), at(2)]);
  t.false(runs[1]?.delivery.signal.aborted);
});

test('overlap forbid: of two that come together, one runs', async t => {
  const {runs, schedules} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  const wishes = [1, 2].map(ago => schedules.fire('nightly', noon - ago));
  await settle();
  t.is(runs.length, 1);
  runs[0]?.end();
  t.deepEqual(
    (await Promise.all(wishes)).map(outcome => 'refused' in outcome),
    [false, true],
  );
});

test('overlap forbid: a core that starts knows what another one runs', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const options = {clock, journal, leaseMs: 5 * minute, schedule: {overlap: 'forbid'}, held: true};
  const one = await openCore(t, {...options, core: 'one'});
  await clock.advance(minute);
  t.is(one.runs.length, 1);
  const two = await openCore(t, {...options, core: 'two'});
  await clock.advance(2 * minute);
  t.is(two.runs.length, 0);
});

test('two cores on one journal fire every occurrence once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const one = await openCore(t, {clock, journal, core: 'one', leaseMs: hour});
  const two = await openCore(t, {clock, journal, core: 'two', leaseMs: hour});
  await clock.advance(20 * minute);
  const fired = [...one.occurrences(), ...two.occurrences()].sort();
  t.deepEqual(fired, Array.from({length: 20}, (_, index) => at(index + 1)).sort());
});

test('two cores whose clocks differ fire every occurrence once', async t => {
  const [early, late] = [new ManualClock(noon), new ManualClock(noon - 20_000)];
  const journal = new MemoryJournal(early);
  const one = await openCore(t, {clock: early, journal, core: 'one', leaseMs: hour});
  const two = await openCore(t, {clock: late, journal, core: 'two', leaseMs: hour});
  for (let second = 0; second < 300; second++) {
    await early.advance(1000);
    await late.advance(1000);
  }
  t.deepEqual([...one.occurrences(), ...two.occurrences()].sort(), [0, 1, 2, 3, 4, 5].map(at));
});

test('overlap forbid holds across cores, as long as the other one may be alive', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const schedule = {overlap: 'forbid'};
  const one = await openCore(t, {clock, journal, core: 'one', leaseMs: 5 * minute, schedule, held: true});
  const two = await openCore(t, {clock, journal, core: 'two', leaseMs: 5 * minute, schedule, held: true});
  await clock.advance(4 * minute);
  t.deepEqual([...one.occurrences(), ...two.occurrences()], [at(1)]);
});

test('after a crash, an occurrence without a settled fact is delivered again, as the same invocation', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, core: 'one', held: true});
  await clock.advance(minute);
  await first.crash();
  const second = await openCore(t, {clock, journal, core: 'two'});
  t.deepEqual(second.occurrences(), [at(1)]);
  t.is(second.runs[0]?.delivery.id, first.runs[0]?.delivery.id);
  t.is(second.runs[0]?.delivery.attempt, 2);
  await second.close();
  const third = await openCore(t, {clock, journal, core: 'three'});
  t.deepEqual(third.occurrences(), []);
});

test('an occurrence that never got its turn is not given up with the one that no core lived to see the end of', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, core: 'core-1', held: true});
  await clock.advance(2 * minute);
  t.deepEqual(first.occurrences(), [at(1), at(2)]);
  await first.crash();
  for (let attempt = 2; attempt <= 8; attempt++) {
    const next = await openCore(t, {clock, journal, core: `core-${attempt}`, held: true});
    t.deepEqual(
      next.runs.map(run => [run.occurrence, run.delivery.attempt]),
      [[at(1), attempt]],
    );
    await next.crash();
  }
  const last = await openCore(t, {clock, journal, core: 'core-9'});
  t.deepEqual(
    last.runs.map(run => [run.occurrence, run.delivery.attempt]),
    [[at(2), 2]],
  );
  t.like(await factsOf(journal, 'schedule.missed'), [{occurrence: at(1), reason: 'given-up'}]);
});

test('what another core runs is left to it while it may be alive, and then taken over once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const one = await openCore(t, {clock, journal, core: 'one', leaseMs: 5 * minute, held: true, schedule: {cron: '1 12 * * *'}});
  const others: Awaited<ReturnType<typeof openCore>>[] = [];
  for (const core of ['two', 'three'])
    others.push(await openCore(t, {clock, journal, core, leaseMs: 5 * minute, schedule: {cron: '1 12 * * *'}}));
  await clock.advance(minute);
  t.is(one.runs.length, 1);
  await one.crash();
  const taken = () => others.flatMap(({occurrences}) => occurrences());
  await clock.advance(5 * minute - 1000);
  t.deepEqual(taken(), []);
  await clock.advance(2000);
  t.deepEqual(taken(), [at(1)]);
  await clock.advance(hour);
  t.deepEqual(taken(), [at(1)]);
});

test('an occurrence whose core ends each time is given up in the end', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  let deliveries = 0;
  for (let start = 0; start < 12; start++) {
    const core = await openCore(t, {clock, journal, core: `core-${start}`, held: true, schedule: {cron: '1 12 * * *'}});
    if (start === 0) await clock.advance(minute);
    deliveries += core.runs.length;
    await core.crash();
  }
  t.is(deliveries, 8);
  t.like((await factsOf(journal, 'schedule.missed'))[0], {first: at(1), reason: 'given-up'});
});

test('a journal that fails is tried again, and the occurrence fires once', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const append = journal.append.bind(journal);
  let failures = 3;
  journal.append = async (...given) => {
    if (!given[0].startsWith('schedule.') || failures-- <= 0) return append(...given);
    if (failures === 0) await append(...given); // kept, but it did not say so
    throw new Error('disk full');
  };
  const {occurrences, log} = await openCore(t, {clock, journal});
  await clock.advance(minute + 20_000);
  t.deepEqual(occurrences(), [at(1)]);
  t.is(log.lines.filter(({level, fields}) => level === 'error' && fields.cause === 'disk full').length, 3);
});

test('by hand: an unknown schedule, a time to come and an occurrence that has fired are refused', async t => {
  const {clock, runs, schedules} = await openCore(t);
  await clock.advance(minute);
  t.like(await schedules.fire('weekly'), {why: 'unknown', refused: 'there is no schedule `weekly`; there is nightly'});
  t.like(await schedules.fire('nightly', noon + hour), {why: 'invalid'});
  t.like(await schedules.fire('nightly', noon + minute), {
    why: 'conflict',
    refused: `${at(1)} of nightly was already fired, as invocation ${runs[0]?.delivery.id}`,
  });
  t.is(runs.length, 1);
});

test('by hand: a schedule that forbids overlap is refused while it runs, and after the close', async t => {
  const {clock, runs, schedules, close} = await openCore(t, {held: true, schedule: {overlap: 'forbid'}});
  await clock.advance(minute);
  t.like(await schedules.fire('nightly'), {why: 'conflict', refused: 'an earlier occurrence of nightly is still running'});
  runs[0]?.end();
  await close();
  t.like(await schedules.fire('nightly'), {why: 'conflict', refused: 'the runtime is shutting down'});
  t.is(runs.length, 1);
});

test('by hand: fires now, or a missed occurrence, and says what came of it', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  clock.setWall(noon + 2 * minute + 500);
  const {runs, schedules} = await openCore(t, {clock, journal});
  t.like(await schedules.fire('nightly'), {
    schedule: 'nightly',
    occurrence: '2026-01-01T12:02:00.500Z',
    invocationId: runs[0]?.delivery.id,
    status: 200,
  });
  t.like(await schedules.fire('nightly', noon + 2 * minute), {occurrence: at(2), status: 200});
  t.is(runs.length, 2);
});

test('what was fired by hand does not hide what was lost', async t => {
  const clock = new ManualClock(noon);
  const journal = await pastJournal(clock);
  const first = await openCore(t, {clock, journal, schedule: {jitter: '1h'}});
  await clock.advance(90_000);
  await first.schedules.fire('nightly');
  await first.close();
  clock.setWall(noon + 4 * hour);
  const second = await openCore(t, {clock, journal, core: 'two', schedule: {jitter: '1h', catchUp: 'all(1000)'}});
  t.true(second.occurrences().includes(at(1)));
});

test('of a schedule that was only fired by hand, what was lost since then is known', async t => {
  const clock = new ManualClock(noon);
  const journal = new MemoryJournal(clock);
  const first = await openCore(t, {clock, journal, schedule: {catchUp: 'latest'}});
  await clock.advance(30_000);
  await first.schedules.fire('nightly', noon - hour);
  await first.close();
  clock.setWall(noon + 3 * minute + 1);
  const second = await openCore(t, {clock, journal, core: 'two', schedule: {catchUp: 'latest'}});
  t.deepEqual(second.occurrences(), [at(3)]);
});

test('the list shows the next five occurrences', async t => {
  const {schedules} = await openCore(t, {schedule: {cron: '30 2 * * *', timezone: 'Europe/Paris', catchUp: 'all(3)', jitter: '90s'}});
  t.deepEqual(schedules.list(), [
    {
      name: 'nightly',
      cron: '30 2 * * *',
      timezone: 'Europe/Paris',
      catchUp: 'all(3)',
      overlap: 'allow',
      jitter: '90s',
      next: ['2026-01-02T01:30:00Z', '2026-01-03T01:30:00Z', '2026-01-04T01:30:00Z', '2026-01-05T01:30:00Z', '2026-01-06T01:30:00Z'],
    },
  ]);
});

test('a night with a change of the clocks, second by second: once each', async t => {
  const drills: [schedule: object, from: number, expected: string[]][] = [
    [{cron: '30 2 * * *', timezone: 'Europe/Paris'}, Date.UTC(2026, 2, 28, 22), ['2026-03-29T01:00:00Z']],
    [{cron: '30 2 * * *', timezone: 'Europe/Paris'}, Date.UTC(2026, 9, 24, 22), ['2026-10-25T00:30:00Z']],
    [{cron: '30 1 * * *', timezone: 'America/New_York'}, Date.UTC(2026, 10, 1, 4), ['2026-11-01T05:30:00Z']],
  ];
  for (const [schedule, from, expected] of drills) {
    const {clock, occurrences} = await openCore(t, {clock: new ManualClock(from), schedule});
    await clock.advance(5 * hour);
    t.deepEqual(occurrences(), expected);
  }
});
