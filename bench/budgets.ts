import {type FigureName, type Figures, markdownTable, type Spread, shown} from './figures.ts';

/**
The original core, written in Go, is not to be had here. These are rates of one sitting elsewhere, on the same kind of
machine: it in front of a bare Node bridge, and that bridge alone. What is said against it is computed from their ratio.
*/
const goCore = {requestsPerSecond: 11_100, bridgeAlone: 60_000};
const goCoreToBridge = goCore.requestsPerSecond / goCore.bridgeAlone;

export interface Budget {
  readonly what: string;
  /** How the figure that is judged was come by. */
  readonly from: string;
  readonly must: number;
  readonly aim: number;
  readonly better: 'more' | 'less';
  readonly unit: string;
  judged(figures: Figures): Spread | undefined;
}

const againstGoCore = 'computed: against the bridge, over the Go core’s published 11,100 / 60,000 against a bridge';
const measured = 'measured';

export const budgets: readonly Budget[] = [
  more('requests/s against the Go core, tracing off', againstGoCore, 1.4, 1.8, 'requests/s, core / bridge', overGoCore),
  more('requests/s against the Go core, tracing on', againstGoCore, 1.15, 1.5, 'requests/s, core traced / bridge', overGoCore),
  more('requests/s against functions-framework', measured, 0.9, 1.15, 'requests/s, core / functions-framework'),
  {
    ...less('cost of the facts, of requests/s', 'measured; in SQLite where the core has it, else in memory', 0.15, 0.08, ''),
    judged: found => map(found['requests/s, facts in SQLite / no facts'] ?? found['requests/s, facts in memory / no facts'], lost),
  },
  less('added p50 at one connection', measured, 150, 90, 'µs', 'p50 at one connection, core − bridge'),
  less('exec to the first good answer', 'measured, as it ships', 250, 120, 'ms', 'exec to first 2xx, core'),
  less('resident memory, idle', 'measured, as it ships', 130, 95, 'MB', 'resident idle, core'),
  more(
    '1 MiB in and out against the Go core',
    'measured against our Go stand-in, not the original',
    1.2,
    2,
    '1 MiB in and out, core / Go stand-in',
  ),
  more('Python bridge against gunicorn + Flask', 'measured, 1 KiB', 2, 4, 'Python bridge / gunicorn + Flask, 1 KiB'),
];

function more(what: string, from: string, must: number, aim: number, name: FigureName, convert = (value: number) => value): Budget {
  return {what, from, must, aim, better: 'more', unit: '×', judged: figures => map(figures[name], convert)};
}

function less(what: string, from: string, must: number, aim: number, unit: string, name?: FigureName): Budget {
  return {what, from, must, aim, better: 'less', unit, judged: figures => name && figures[name]};
}

function overGoCore(ratioToBridge: number): number {
  return ratioToBridge / goCoreToBridge;
}

function lost(ratio: number): number {
  return 1 - ratio;
}

function map(spread: Spread | undefined, convert: (value: number) => number): Spread | undefined {
  if (!spread) return undefined;
  const [one, other] = [convert(spread.min), convert(spread.max)];
  return {min: Math.min(one, other), median: convert(spread.median), max: Math.max(one, other)};
}

/** By the median: whether the bound is kept. */
export function judge(budget: Budget, figures: Figures, bound: number): 'met' | 'not met' | 'not measured' {
  const spread = budget.judged(figures);
  if (!spread) return 'not measured';
  return (budget.better === 'more' ? spread.median >= bound : spread.median <= bound) ? 'met' : 'not met';
}

/** What stands nearest to the original core among what can be measured. */
const unbudgeted = [
  'requests/s, core / of-watchdog',
  'requests/s, core / Go stand-in',
  'requests/s, core traced / Go stand-in',
] as const satisfies readonly FigureName[];

const shownOrDash = (spread: Spread | undefined, unit = '') => (spread ? shown(spread, unit) : '–');

/** Every budget with what was found. */
export function budgetTable(figures: Figures): string {
  const rows = budgets.map(budget => {
    const {what, from, must, aim, better, unit} = budget;
    const spread = budget.judged(figures);
    const sign = better === 'more' ? '≥' : '≤';
    const bound = (value: number) => `${sign} ${value}${unit && ` ${unit}`}: ${judge(budget, figures, value)}`;
    return [what, shownOrDash(spread, unit), bound(must), bound(aim), from];
  });
  for (const name of unbudgeted) rows.push([name, shownOrDash(figures[name]), '–', '–', 'measured, for comparison']);
  return markdownTable(['budget', 'found (min–max)', 'must', 'aim', 'how'], rows);
}
