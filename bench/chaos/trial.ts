import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {systemClock} from '../../src/clock.ts';
import type {JournalArchive} from '../../src/journals/engine.ts';
import {projectFile} from '../../test/helpers/core.ts';
import {Cores} from './cores.ts';
import {type Asked, judge, type Ticking, unsettled, type Verdict} from './judge.ts';
import {Sender} from './sender.ts';
import {coreTroubles, type Trouble, Troubles} from './troubles.ts';

export interface Trial {
  readonly seconds: number;
  /** How the cores reach their journal. */
  readonly env: Record<string, string>;
  /** What is done to its servers. The first of these comes first. */
  readonly troubles: readonly Trouble[];
  openArchive(): Promise<JournalArchive>;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly troubles: Readonly<Record<string, number>>;
  /** How many of them came while another one went on. */
  readonly overlaps: number;
  readonly errors: readonly string[];
}

const places = 3;
const senderCount = 12;
/** When all troubles are over, what was acknowledged ends one by one, as long as there are keys behind which much waits. */
const mostBetweenEndsMs = 180_000;
const schedules = [
  {name: 'tick', cron: '* * * * * *', catchUp: 'all(1000)'},
  {name: 'tock', cron: '*/3 * * * * *', delivery: 'work', catchUp: 'all(1000)'},
];
const ticking: readonly Ticking[] = [
  {name: 'tick', everyMs: 1000},
  {name: 'tock', everyMs: 3000},
];

/** Three cores on one journal: for so many seconds work is sent, and servers and cores are killed and stopped. */
export async function trial({seconds, env, troubles: ofServers, openArchive}: Trial): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'core-runtime-chaos-'));
  await using cores = new Cores({
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: projectFile('bench/functions/chaos.cjs'),
    CORE_WORK: 'on',
    CORE_WORKERS: '2',
    CORE_CONCURRENCY: '10',
    CORE_JOURNAL_HTTP: 'off',
    CORE_SCHEDULES: JSON.stringify(schedules),
    ...env,
  });
  const troubles = new Troubles(ofServers, coreTroubles(cores, places));
  try {
    for (let place = 0; place < places; place++) await cores.start(place);
    const log = join(folder, 'ends');
    await writeFile(log, '');
    const stop = new AbortController();
    const senders = Array.from(
      {length: senderCount},
      (_, index) => new Sender({urls: () => cores.urls, log, signal: stop.signal}, index < senderCount / 2 ? `key-${index}` : undefined),
    );
    const sending = senders.map(sender => sender.run());
    const troubling = troubles.make(stop.signal);
    await pause(seconds * 1000);
    stop.abort();
    await Promise.all([troubling, ...sending]);
    const asked: Asked = {senders, schedules: ticking, through: systemClock.now()};
    using archive = await openArchive();
    await drained(() => unsettled(archive, asked));
    const verdict = await judge(archive, asked, log, troubles);
    return {verdict, troubles: troubles.counts, overlaps: troubles.overlaps, errors: cores.errors()};
  } finally {
    await rm(folder, {recursive: true});
  }
}

/** Prints what came of it; the exit code is 1 when anything was lost, doubled, settled twice, out of order or missed. */
export function tell(seconds: number, {verdict, troubles, overlaps, errors}: Outcome): void {
  console.dir({seconds, ...verdict, troubles, overlaps}, {depth: 4});
  const {lost, doubled, settledTwice, outOfOrder, missed} = verdict;
  if (lost + doubled + settledTwice + outOfOrder + missed === 0) return;
  console.log({errors: errors.slice(-20)});
  process.exitCode = 1;
}

/** Waits until nothing is left, or less does not become of it. */
async function drained(left: () => Promise<number>): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let since = performance.now(); performance.now() - since < mostBetweenEndsMs; await pause(1000)) {
    const now = await left();
    if (now === 0) return;
    if (now < least) since = performance.now();
    least = Math.min(now, least);
  }
}
