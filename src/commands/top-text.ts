import type {CoreView} from '../admin/core-view.ts';
import type {About} from '../admin/routes/now.ts';
import {columns} from '../command/columns.ts';
import {paint, type Style} from '../command/table.ts';
import {printable} from '../printable.ts';

/** What `GET /api/now`, `/api/processes` and `/api/history` answer. */
export interface Figures extends Pick<About, 'function' | 'core'> {
  readonly at: string;
  readonly readiness: {readonly ready: boolean; readonly phase: string; readonly cause?: string};
  readonly rates: {readonly requests: number | null; readonly errors: number | null; readonly invocations: number | null};
  readonly times: {readonly p50Ms: number | null; readonly p99Ms: number | null};
  readonly queue: {readonly waiting: number; readonly inFlight: number; readonly longest: number};
  readonly subRuntimes: {readonly ready: number; readonly wanted: number};
  readonly memory: {readonly coreBytes: number; readonly functionBytes: number; readonly heldBytes: number; readonly maxHeldBytes: number};
  readonly totals: {
    readonly requests: number;
    readonly errors: number;
    readonly otherCalls: number;
    readonly otherFailures: number;
    readonly restarts: number;
    readonly coldStarts: number;
  };
  readonly cores: readonly CoreView[];
  /** Absent where no work is taken. */
  readonly work?: WorkFigures | undefined;
  readonly history: {readonly columns: {readonly requests?: readonly (number | null)[]}};
}

interface WorkFigures {
  readonly paused: boolean;
  readonly waiting: number;
  readonly behind: number;
  readonly running: number;
  readonly dead: number;
  /** When the oldest that has not ended was accepted, in milliseconds since 1970. */
  readonly oldest?: number;
}

interface PlaceRow {
  readonly phase: string;
  readonly error?: string;
  readonly processes: readonly {
    readonly pid?: number;
    readonly role: string;
    readonly spawnedAt: string;
    readonly calls?: number;
    readonly residentBytes?: number;
  }[];
}

interface EndRow {
  readonly at: string;
  readonly pid?: number;
  readonly sentence?: string;
  readonly reason: string;
}

const mostEnds = 3;

/**
The figures for people, for a terminal with colours.

@param problem why there are no newer ones
*/
export function topText(figures: Figures, problem?: string): string[] {
  const {function: served, readiness, rates, times, queue, subRuntimes, memory, totals, core, at} = figures;
  const name = served.name === '' ? served.handler : `${served.name}  ${served.handler}`;
  const state = `${readiness.phase}${readiness.cause === undefined ? '' : `: ${readiness.cause}`}, up ${span(Date.parse(at) - Date.parse(core.startedAt))}`;
  const errors = rates.errors ?? 0;
  return [
    `${paint('bold', printable(name))}  ${served.language}  ${printable(served.url ?? '')}`,
    paint(readiness.ready ? 'green' : 'red', printable(state)),
    ...(problem === undefined ? [] : [paint('red', printable(problem))]),
    '',
    line('requests', `${rate(rates.requests)}`, paint(errors > 0 ? 'red' : undefined, `${rate(rates.errors)} errors`), sparkline(figures)),
    line('times', `p50 ${ms(times.p50Ms)}`, `p99 ${ms(times.p99Ms)}`),
    line('queue', `${queue.waiting} of ${number(queue.longest)} waiting`, `${queue.inFlight} in flight`),
    ...(figures.work ? [workLine(figures.work, Date.parse(at))] : []),
    line(
      'memory',
      `core ${bytes(memory.coreBytes)}`,
      `function ${bytes(memory.functionBytes)}`,
      `held ${bytes(memory.heldBytes)} of ${bytes(memory.maxHeldBytes)}`,
    ),
    line(
      'total',
      counted(totals.requests, 'request'),
      counted(totals.errors, 'error'),
      otherCalls(totals),
      counted(totals.restarts, 'restart'),
      `${number(totals.coldStarts)} waited for a start`,
    ),
    '',
    ...processLines(figures, subRuntimes),
    ...endLines(figures.cores.flatMap(({ends}) => ends as EndRow[])),
  ];
}

function workLine({paused, waiting, behind, running, dead, oldest}: WorkFigures, now: number): string {
  return line(
    'work',
    paused ? paint('yellow', 'paused') : '',
    `${number(waiting + behind)} waiting`,
    `${number(running)} running`,
    oldest === undefined ? '' : `the oldest for ${span(now - oldest)}`,
    dead > 0 ? paint('red', counted(dead, 'dead letter')) : '',
  );
}

/** Calls that are no requests, such as those of schedules; '' where there were none. */
function otherCalls({otherCalls, otherFailures}: Figures['totals']): string {
  if (otherCalls === 0) return '';
  return `${counted(otherCalls, 'other call')}${otherFailures > 0 ? ` (${number(otherFailures)} failed)` : ''}`;
}

const line = (title: string, ...parts: readonly string[]) => `${paint('dim', title.padEnd(9))} ${parts.filter(Boolean).join('   ')}`;

const row = columns(-8, 9, 9, -8, -6, -9);

function processLines({cores, at}: Figures, {ready, wanted}: Figures['subRuntimes']): string[] {
  const now = Date.parse(at);
  const rows = cores.flatMap(({pid, leader, residentBytes, places}) => [
    row(pid, 'core', leader && cores.length > 1 ? 'leader' : '', '', '', bytes(residentBytes)),
    ...(places as PlaceRow[]).flatMap(({phase, error, processes}) => [
      ...processes.map(each =>
        paint(
          styles[phase],
          row(
            each.pid,
            'function',
            each.role,
            span(now - Date.parse(each.spawnedAt)),
            each.calls,
            each.residentBytes === undefined ? '' : bytes(each.residentBytes),
          ),
        ),
      ),
      ...(phase === 'ready'
        ? []
        : [paint(styles[phase] ?? 'yellow', `${' '.repeat(10)}${printable(`${phase}${error === undefined ? '' : `: ${error}`}`)}`)]),
    ]),
  ]);
  return [
    paint('bold', row('PID', 'PROCESS', 'ROLE', 'UP', 'CALLS', 'MEMORY')),
    ...rows,
    paint('dim', `${ready} of ${wanted} sub-runtimes ready`),
  ];
}

const styles: Readonly<Record<string, Style>> = {booting: 'yellow', broken: 'red', exited: 'red', 'gave-up': 'red'};

function endLines(ends: readonly EndRow[]): string[] {
  const newest = ends.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, mostEnds);
  if (newest.length === 0) return [];
  const lines = newest.map(({at, pid, sentence, reason}) => printable(`${at.slice(11, 19)}  ${pid ?? ''}  ${sentence ?? reason}`));
  return ['', paint('bold', 'ended last'), ...lines];
}

const blocks = '▁▂▃▄▅▆▇█';

/** Requests a second over the last minute. */
function sparkline({history}: Figures): string {
  const values = (history.columns.requests ?? []).slice(-30).map(value => value ?? 0);
  const most = Math.max(...values, 1);
  return paint('cyan', values.map(value => blocks[Math.min(blocks.length - 1, Math.floor((value / most) * blocks.length))]).join(''));
}

const counted = (count: number, what: string) => `${number(count)} ${what}${count === 1 ? '' : 's'}`;
const number = (value: number) => value.toLocaleString('en-US');
const rate = (value: number | null) => `${value === null ? '–' : decimal(value)}/s`;
const ms = (value: number | null) => (value === null ? '–' : `${decimal(value)} ms`);
const decimal = (value: number) => (value === 0 ? '0' : value < 9.95 ? value.toFixed(1) : number(Math.round(value)));
const bytes = (value: number) => `${number(Math.round(value / 2 ** 20))} MiB`;

function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
