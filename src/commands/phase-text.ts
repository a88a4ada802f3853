import {columns} from '../command/columns.ts';
import {paint, type Style} from '../command/table.ts';
import type {Phase} from '../projections/phases.ts';

const width = 40;
const row = columns(8, -12);
const styles: Readonly<Record<Phase['phase'], Style>> = {
  accepted: 'cyan',
  waited: 'yellow',
  started: 'yellow',
  called: 'green',
  answered: 'cyan',
};

/** A waterfall: a row for each part of the time, with a bar where it began and as long as it took. */
export function phaseLines(phases: readonly Phase[], durationMs: number): string[] {
  const scale = width / Math.max(durationMs, 0.001);
  return phases.map(({phase, fromMs, ms}) => {
    const from = Math.min(width - 1, Math.floor(fromMs * scale));
    const length = Math.min(width - from, Math.max(1, Math.round(ms * scale)));
    const bar = ms * scale < 0.5 ? '▏' : '█'.repeat(length);
    return `${row(phase, `${ms.toFixed(ms < 10 ? 2 : 1)} ms`)}  ${' '.repeat(from)}${paint(styles[phase], bar)}`;
  });
}
