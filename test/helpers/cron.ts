import type {ExecutionContext} from 'ava';
import type {Delivery, MessageInput} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import type {Journal} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {parseSettings} from '../../src/settings/setting.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {cron} from '../../triggers/cron/index.ts';
import {ManualClock, settle} from './clock.ts';
import {fakeHouse, recordingLog, recordingMeter} from './fakes.ts';

export const noon = Date.UTC(2026, 0, 1, 12);
export const minute = 60_000;
export const hour = 60 * minute;
const nightly = {name: 'nightly', cron: '* * * * *'};
/** The text of the occurrence so many minutes after noon. */
export const at = (minutes: number) => new Date(noon + minutes * minute).toISOString().replace('.000Z', 'Z');

export interface Run {
  readonly occurrence: string;
  readonly input: MessageInput;
  readonly delivery: Delivery;
  /** Lets the function answer; it does by itself unless the core is `held`. */
  end(): void;
}

interface Options extends Partial<Pick<ClaimingHouse, 'core' | 'journal' | 'hall'>> {
  /** How long other cores take it for living after it has crashed. */
  readonly leaseMs?: number;
  readonly clock?: ManualClock;
  readonly schedule?: object;
  /** The function answers only when it is told to. */
  readonly held?: boolean;
  /** Why a delivery does not reach the function, if it does not. */
  readonly refuse?: (delivery: Delivery) => Fault | undefined;
}

/** A core as far as cron sees it: what is delivered is recorded, and settled in the journal when it is over. */
export async function openCore(
  t: ExecutionContext,
  {clock = new ManualClock(noon), schedule = {}, held = false, refuse, leaseMs = 0, ...some}: Options = {},
) {
  const journal = some.journal ?? new MemoryJournal(clock);
  const runs: Run[] = [];
  const log = recordingLog();
  const meter = recordingMeter();
  let isCrashed = false;
  const house = fakeHouse({
    ...some,
    journal,
    cores: {leaseMs, isAlive: async core => clock.now() - (crashedAt(journal).get(core) ?? clock.now()) < leaseMs},
    clock,
    log,
    meter,
    async deliver(delivery) {
      const {id = '', attempt = 1, source} = delivery;
      const input = (await delivery.input()) as MessageInput; // a tick is one
      const refusal = refuse?.(delivery);
      const reply = (status: number, fault?: Fault) => delivery.reply({status, headers: [], body: '', ...(fault && {fault})});
      if (refusal && /^JOURNAL_/.test(refusal.code)) return reply(refusal.status, refusal);
      await journal.append(`invocation.${id}`, [{type: 'invocation.accepted', data: {source, bytes: input.body.length, attempt}}]);
      if (refusal) {
        const {code, status} = refusal;
        const failed: Fact = {type: 'attempt.failed', data: {attempt, class: 'busy', retryable: true, code}};
        const settled: Fact = {type: 'invocation.settled', data: {outcome: 'failed', status, code, durationMs: 1}};
        await journal.append(`invocation.${id}`, [!refusal.reached && delivery.defers?.() ? failed : settled]);
        return reply(status, refusal);
      }
      delivery.called?.();
      const over = Promise.withResolvers<void>();
      runs.push({occurrence: occurrenceOf(input), input, delivery, end: () => over.resolve()});
      if (!held || delivery.signal.aborted) over.resolve();
      delivery.signal.addEventListener('abort', () => over.resolve());
      await over.promise;
      if (isCrashed) return;
      const fault = delivery.signal.aborted ? new Fault('CALLER_LEFT') : undefined;
      const data = {outcome: fault ? ('cancelled' as const) : ('responded' as const), status: fault?.status ?? 200, durationMs: 1};
      await journal.append(`invocation.${id}`, [{type: 'invocation.settled', data}]);
      reply(data.status, fault);
    },
  });
  const {schedules} = parseSettings(cron.settings, {CORE_SCHEDULES: JSON.stringify([{...nightly, ...schedule}])});
  const trigger = await cron.open({schedules}, house);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= Promise.resolve(trigger[Symbol.asyncDispose]());
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
    schedules: trigger,
    occurrences: () => runs.map(({occurrence}) => occurrence),
    /** Its end without a last word: nothing that runs settles, nothing more is fired. */
    async crash() {
      isCrashed = true;
      crashedAt(journal).set(house.core, clock.now());
      for (const run of runs) run.end();
      await close();
    },
  };
}

/** When the cores of a journal crashed. */
function crashedAt(journal: Journal): Map<string, number> {
  const known = crashes.get(journal) ?? new Map<string, number>();
  crashes.set(journal, known);
  return known;
}

const crashes = new WeakMap<Journal, Map<string, number>>();

export async function factsOf(journal: Journal, type: Fact['type']) {
  const found: Fact[] = [];
  for await (const {fact} of journal.scan('')) if (fact.type === type) found.push(fact);
  return found.map(({data}) => data);
}

/** The past of a core that fired at noon and then was down. */
export async function pastJournal(clock: ManualClock, schedule: object = {}): Promise<Journal> {
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

function occurrenceOf({context}: MessageInput): string {
  const {schedule} = context as {schedule: {occurrence: string}}; // of a tick
  return schedule.occurrence;
}
