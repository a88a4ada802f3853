import {type FigureName, type Figures, markdownTable, type Spread, shown} from './figures.ts';

/**
The original core, written in Go, is not to be had here. These are rates of one sitting elsewhere, on the same kind of
machine: it in front of a bare Node bridge, and that bridge alone. What is said against it is computed from their ratio, with
a node:http that reads nothing in the place of that bridge: no bridge is faster, so the figure is rather too strict.
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

const againstGoCore =
  'computed: against a node:http that reads nothing, over the Go core’s published 11,100 / 60,000 against a bare Node bridge';
const measured = 'measured';
const shipped = 'measured, as it ships';
const inContainer = 'measured, as it ships, in a container of 128 MB';
const bothOverHttp = 'measured, both called over HTTP, on the disk, the better of the peer’s calls';
const byStore = 'measured, without HTTP, on the disk, the better of the peer’s calls';
const againstHttp = 'measured, over calling the bridge, run by hand, over HTTP';

const systems = {redis: 'Redis', nats: 'NATS', amqp: 'RabbitMQ', kafka: 'Kafka', sqs: 'SQS', mqtt: 'MQTT'} as const;

export const budgets: readonly Budget[] = [
  less('CPU of a small call against the core before the channel', measured, 0.7, 0.6, '×', 'CPU of a request, core / before the channel'),
  more('requests/s against the Go core, tracing off', againstGoCore, 2.3, 2.8, 'requests/s, core / bare node:http', overGoCore),
  more('requests/s against the Go core, tracing on', againstGoCore, 1.8, 2.3, 'requests/s, core traced / bare node:http', overGoCore),
  more('requests/s against functions-framework', measured, 1.25, 1.5, 'requests/s, core / functions-framework'),
  more('requests/s against nginx in front of the bridge', measured, 0.7, 0.9, 'requests/s, core / nginx'),
  more('requests/s with tracing on against off', measured, 0.8, 0.9, 'requests/s, traced / untraced'),
  {
    ...less('cost of the facts, of requests/s', 'measured; in SQLite where the core has it, else in memory', 0.1, 0.06, ''),
    judged: found => map(found['requests/s, facts in SQLite / no facts'] ?? found['requests/s, facts in memory / no facts'], lost),
  },
  less('added p50 at one connection', againstHttp, 70, 50, 'µs', 'p50 at one connection, core − bridge'),
  less(
    '1 MiB in and out: CPU against the core before the channel',
    measured,
    0.5,
    0.35,
    '×',
    '1 MiB in and out, CPU of core / before the channel',
  ),
  more('1 MiB in and out: rate against functions-framework', measured, 0.5, 0.8, '1 MiB in and out, core / functions-framework'),
  less('exec to the first good answer', shipped, 150, 120, 'ms', 'exec to first 2xx, core'),
  less('resident memory, idle', shipped, 90, 75, 'MB', 'resident idle, core'),
  less('control group of core and Node function, idle', inContainer, 50, 40, 'MB', 'control group of 128 MB, idle'),
  less('the same after small calls', inContainer, 80, 64, 'MB', 'control group of 128 MB, after small calls'),
  more('bodies of 1 MiB answered in a container of 128 MB', inContainer, 0.9, 1, 'bodies of 1 MiB answered in 128 MB'),
  more('work accepted a second against pg-boss', byStore, 1, 2, 'accepted/s at 256 producers, core’s store / pg-boss'),
  more('the same against BullMQ', byStore, 1, 2, 'accepted/s at 256 producers, core’s store / BullMQ'),
  more('calls accepted a second against pg-boss', bothOverHttp, 1, 2, 'accepted/s at 256 producers, core over HTTP / pg-boss behind HTTP'),
  more('the same against BullMQ', bothOverHttp, 1, 2, 'accepted/s at 256 producers, core over HTTP / BullMQ behind HTTP'),
  ...(Object.keys(systems) as (keyof typeof systems)[]).map(messages),
  more('Python bridge against gunicorn + Flask', 'measured, 1 KiB, on the channel', 8, 12, 'Python bridge / gunicorn + Flask, 1 KiB'),
];

/** The loop that handles in its own process is in the tables, and is no bound: some clients take less time for a message than the way to another process. */
function messages(system: keyof typeof systems): Budget {
  const name = `messages/s of ${system}, core / loop that calls another process` as const;
  return more(`messages of ${systems[system]} against its client in a loop that calls another process`, 'measured', 0.8, 1, name);
}

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
