import {globSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {projectFile, type RunningCore, startCore} from '../test/helpers/core.ts';

/*
Sets the clock of the system, as cores see it, around changes of the clocks and back and forth, and counts what fired.
Needs Debian's package `faketime`. The monotonic clock goes on as it does when a real clock is set.
*/

interface Drill {
  readonly title: string;
  readonly schedule: {readonly cron: string; readonly timezone?: string};
  /**
  Wall times that the clock is set to, the first at the start, and for how long each then goes on. `restart`: the core is
  stopped before, and another starts on its journal.
  */
  readonly course: readonly (readonly [wall: string, seconds: number, restart?: 'restart'])[];
  /** What must have fired; undefined: anything, but each once, and so many at least. */
  readonly expected?: readonly string[];
  readonly least?: number;
}

/** Longer than the trigger sleeps before it looks at the clock again. */
const noticed = 13;

const drills: readonly Drill[] = [
  {
    title: 'Paris, spring: 02:30 is skipped',
    schedule: {cron: '30 2 * * *', timezone: 'Europe/Paris'},
    course: [['2026-03-29T00:59:52Z', 12]],
    expected: ['2026-03-29T01:00:00Z'],
  },
  {
    title: 'Paris, autumn: 02:30 comes twice',
    schedule: {cron: '30 2 * * *', timezone: 'Europe/Paris'},
    course: [
      ['2026-10-25T00:29:52Z', 12],
      ['2026-10-25T01:29:58Z', noticed],
    ],
    expected: ['2026-10-25T00:30:00Z'],
  },
  {
    title: 'set forward to just after an occurrence, back, and past it again',
    schedule: {cron: '0 * * * *'},
    course: [
      ['2026-06-01T11:30:00Z', 2],
      ['2026-06-01T12:00:01Z', noticed],
      ['2026-06-01T11:59:50Z', noticed],
      ['2026-06-01T11:59:58Z', noticed],
    ],
    expected: ['2026-06-01T12:00:00Z'],
  },
  {
    title: 'an hour ahead, then right again: nothing twice',
    schedule: {cron: '*/2 * * * * *'},
    course: [
      ['2026-06-01T12:00:00Z', 6],
      ['2026-06-01T13:00:00Z', noticed],
      ['2026-06-01T12:00:02Z', noticed],
    ],
  },
  {
    title: 'a start a day ahead, then one with the right clock: no silence, nothing twice',
    schedule: {cron: '*/2 * * * * *'},
    course: [
      ['2026-06-01T11:59:50Z', 5],
      ['2026-06-02T12:00:00Z', 5, 'restart'],
      ['2026-06-01T12:00:10Z', 12, 'restart'],
    ],
    least: 8,
  },
  {
    title: 'a start 40 days ahead, set right while the core runs: no silence, nothing twice',
    schedule: {cron: '*/2 * * * * *'},
    course: [
      ['2026-07-11T12:00:00Z', 5],
      ['2026-06-01T12:00:00Z', 10 + noticed],
    ],
    least: 6,
  },
  {
    title: 'back and forth by two seconds: nothing twice',
    schedule: {cron: '* * * * * *'},
    course: Array.from(
      {length: 24},
      (_, index) => [`2026-06-01T12:00:${String(10 + index - 2 * (index % 2)).padStart(2, '0')}Z`, 1] as const,
    ),
  },
];

async function run({schedule, course}: Drill, library: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'clock-'));
  const file = join(folder, 'offset');
  const set = (wall: string) =>
    writeFile(file, `${Date.parse(wall) - Date.now() < 0 ? '' : '+'}${((Date.parse(wall) - Date.now()) / 1000).toFixed(3)}\n`);
  const start = () =>
    startCore({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      CORE_SCHEDULES: JSON.stringify([{name: 'drill', ...schedule}]),
      CORE_JOURNAL: `sqlite:${join(folder, 'journal.db')}`,
      SCW_PUBLIC: 'true',
      SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/scheduled'),
    });
  const fired: string[] = [];
  let core: RunningCore | undefined;
  const stop = async () => {
    await core?.stop();
    const lines = core?.logs.filter(({source}) => source === 'function') ?? [];
    fired.push(...lines.map(({msg}) => JSON.parse(msg).requestContext.schedule.occurrence));
  };
  try {
    for (const [wall, seconds, restart] of course) {
      if (restart) await stop();
      await set(wall);
      if (!core || restart) core = await start();
      await pause(seconds * 1000);
    }
    await stop();
    return fired;
  } finally {
    core?.kill('SIGKILL');
    await rm(folder, {recursive: true});
  }
}

const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
if (library === undefined) {
  console.error('libfaketimeMT.so.1 was not found: install the package faketime');
  process.exit(69);
}
const fired = await Promise.all(drills.map(drill => run(drill, library)));
console.log('| drill | fired | twice | as expected |\n| --- | --- | --- | --- |');
for (const [index, {title, expected, least = 1}] of drills.entries()) {
  const all = fired[index] ?? [];
  const twice = all.length - new Set(all).size;
  const isGood = twice === 0 && all.length >= least && (expected === undefined || expected.join() === all.join());
  console.log(`| ${title} | ${all.length > 3 ? all.length : all.join(', ')} | ${twice} | ${isGood ? 'yes' : 'NO'} |`);
  if (!isGood) process.exitCode = 1;
}
