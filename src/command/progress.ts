import {type Clock, systemClock} from '../clock.ts';

/** Where progress is shown: stderr, so that stdout has nothing but the answer. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressWish {
  /** What is done, in one word: `replay`. */
  readonly title: string;
  /** What is counted: `facts`. `bytes` are shown in a unit that fits. */
  readonly unit: string;
  /** How many there are; undefined while that is not known. */
  readonly total?: number | undefined;
}

export interface Progress extends Disposable {
  /** So many are done. Cheap, so that every step may say so. */
  at(done: number, total?: number): void;
  /** Takes the bar away before something is printed to another stream, if that is a terminal, too. It comes back by itself. */
  hide(before: {readonly isTTY?: boolean}): void;
}

/** What takes less than this shows nothing. */
const quietMs = 1000;
/** How often the bar of a terminal is drawn, and how often a line is written elsewhere. */
const drawMs = 200;
const lineMs = 10_000;
const barWidth = 20;

/**
Shows how far something is that takes more than a second: on a terminal a bar with rate and estimate, elsewhere a line every
ten seconds, so that a log of CI has a sign of life. Disposing takes the bar away.
*/
export function openProgress(
  {title, unit, total: known}: ProgressWish,
  {stream = process.stderr, clock = systemClock}: {stream?: ProgressStream; clock?: Clock} = {},
): Progress {
  const isTerminal = stream.isTTY === true;
  const everyMs = isTerminal ? drawMs : lineMs;
  const began = clock.monotonic();
  let total = known;
  let done = 0;
  let isDrawn = false;
  let dueAt = began + (isTerminal ? quietMs : lineMs);
  let stopTimer = clock.after(dueAt - began, tick);

  return {
    at(count, of = total) {
      done = count;
      total = of;
      // Work that does not let timers run draws by itself.
      if (clock.monotonic() >= dueAt) draw();
    },
    hide: before => (before.isTTY ? clear() : undefined),
    [Symbol.dispose]() {
      stopTimer();
      dueAt = Number.POSITIVE_INFINITY;
      clear();
    },
  };

  function tick(): void {
    if (clock.monotonic() >= dueAt) draw();
    stopTimer = clock.after(everyMs, tick);
  }

  function draw(): void {
    const now = clock.monotonic();
    dueAt = now + everyMs;
    const text = describeProgress({title, unit, total, done, elapsedMs: now - began}, isTerminal);
    if (isTerminal) stream.write(`\r${text.slice(0, (stream.columns ?? 80) - 1)}\x1b[K`);
    else stream.write(`core-runtime: ${text}\n`);
    isDrawn = isTerminal;
  }

  function clear(): void {
    if (isDrawn) stream.write('\r\x1b[K');
    isDrawn = false;
  }
}

export interface ProgressState extends ProgressWish {
  readonly done: number;
  readonly elapsedMs: number;
}

/** One line: `replay  █████░░░░░░░░░░░░░░░   25 %  10 of 40 invocations  2/s  15 s left`. */
export function describeProgress({title, unit, total, done, elapsedMs}: ProgressState, hasBar: boolean): string {
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const rate = done > 0 ? [`${amount(perSecond, unit)}/s`] : [];
  if (total === undefined) return [title, counted(done, unit), ...rate, `${span(elapsedMs)} so far`].join('  ');
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * barWidth);
  const bar = hasBar ? [`${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`] : [];
  const left = perSecond > 0 ? [`${span((Math.max(0, total - done) / perSecond) * 1000)} left`] : [];
  const count = unit === 'bytes' ? `${amount(done, unit)} of ${amount(total, unit)}` : `${amount(done, unit)} of ${counted(total, unit)}`;
  return [title, ...bar, `${String(Math.floor(share * 100)).padStart(hasBar ? 3 : 0)} %`, count, ...rate, ...left].join('  ');
}

const counted = (count: number, unit: string) => (unit === 'bytes' ? amount(count, unit) : `${amount(count, unit)} ${unit}`);

function amount(value: number, unit: string): string {
  if (unit === 'bytes') return value < 2 ** 20 ? `${Math.ceil(value / 1024)} KiB` : `${(value / 2 ** 20).toFixed(1)} MiB`;
  if (value > 0 && value < 0.1) return '<0.1';
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

function span(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
