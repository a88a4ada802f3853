import {type AdminOptions, openAdmin} from '../../src/admin/app.ts';
import type {About} from '../../src/admin/routes/now.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {Budget} from '../../src/limits/budget.ts';
import type {Metrics} from '../../src/observe/metrics/metrics.ts';
import {Recent} from '../../src/observe/recent/recent.ts';
import {type OpenDoors, triggerRoutes} from '../../src/serve/doors.ts';
import type {OpenTrigger} from '../../src/trigger.ts';
import {cron} from '../../triggers/cron/index.ts';
import type {Schedules} from '../../triggers/cron/schedules.ts';
import {ManualClock} from './clock.ts';
import {recordingLog, recordingMeter} from './fakes.ts';

/** A private listener in this process, with a clock, a log, a meter and a journal that a test sees. */
export async function openPrivate(
  t: {teardown(undo: () => PromiseLike<void>): void},
  {
    schedules = () => undefined,
    ...some
  }: Partial<AdminOptions> & {schedules?: () => Omit<Schedules, typeof Symbol.asyncDispose> | undefined} = {},
) {
  const clock = new ManualClock();
  const log = recordingLog();
  const meter = recordingMeter();
  const budget = new Budget(2 ** 27, clock);
  const journal = new MemoryJournal(clock);
  // Of the metrics the listener asks for no more.
  const metrics = {scrape: async () => ({contentType: 'text/plain', body: 'up 1\n'}), meter} as unknown as Metrics;
  const recent = new Recent({clock: new ManualClock(), families: async () => []});
  const admin = await openAdmin({
    recent,
    about: () => about,
    processes: async () => [],
    traceUrl: undefined,
    replay: async () => ({}),
    settings: {table: {}, env: {}, warnings: []},
    host: '127.0.0.1',
    port: 0,
    metrics,
    readiness: () => ({ready: true, phase: 'ready'}),
    routes: triggerRoutes({cron}, () => doorsWith(schedules())),
    work: () => undefined,
    token: undefined,
    budget,
    journal,
    core: 'core-1',
    clock,
    reload: async () => undefined,
    log,
    ...some,
  });
  t.teardown(async () => {
    recent[Symbol.dispose]();
    await admin[Symbol.asyncDispose]();
  });
  return {url: admin.url, log, clock, meter, budget, journal};
}

const about: About = {
  function: {name: 'greet', version: '', handler: '/srv/handler.js', language: 'node', public: true},
  core: {version: '0.0.0', node: 'v26.0.0', pid: 1, startedAt: '2026-01-01T00:00:00.000Z', processes: 1, processesUp: 1},
  journal: {http: 'full', durable: false},
  work: false,
  messages: false,
  queueLongest: 1000,
  subRuntimesWanted: 1,
  maxHeldBytes: 2 ** 27,
  limitBytes: 2 ** 30,
};

/** Open triggers, as far as the private listener asks. */
function doorsWith(schedules: object | undefined): OpenDoors | undefined {
  return (
    schedules && {
      url: '',
      opened: new Map([['cron', schedules as OpenTrigger]]),
      problem: () => undefined,
      detail: () => undefined,
      originOf: () => undefined,
      async [Symbol.asyncDispose]() {},
    }
  );
}
