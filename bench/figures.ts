/*
What the benches find, by name. `npm run bench` records these beside the tables, budgets are judged by them, and
`npm run bench:quick` compares with them.
*/

/** Ratios have no unit: the first named by the second. `better` tells which way is an improvement. */
export const catalogue = {
  'requests/s, core / bridge': {better: 'more', unit: ''},
  'requests/s, core traced / bridge': {better: 'more', unit: ''},
  'requests/s, core / bare node:http': {better: 'more', unit: ''},
  'requests/s, core traced / bare node:http': {better: 'more', unit: ''},
  'requests/s, core / nginx': {better: 'more', unit: ''},
  'requests/s, core / of-watchdog': {better: 'more', unit: ''},
  'requests/s, core / Go stand-in': {better: 'more', unit: ''},
  'requests/s, core traced / Go stand-in': {better: 'more', unit: ''},
  'requests/s, core / functions-framework': {better: 'more', unit: ''},
  'requests/s, core / Express': {better: 'more', unit: ''},
  'requests/s, core / before the channel': {better: 'more', unit: ''},
  'CPU of a request, core / before the channel': {better: 'less', unit: ''},
  'CPU of a request, bridge': {better: 'less', unit: 'µs'},
  'CPU of a request, core': {better: 'less', unit: 'µs'},
  'CPU of a request, core traced': {better: 'less', unit: 'µs'},
  'CPU of a request, functions-framework': {better: 'less', unit: 'µs'},
  'p50 at one connection, core': {better: 'less', unit: 'µs'},
  'p50 at one connection, core − bridge': {better: 'less', unit: 'µs'},
  'p50 at one connection, Go stand-in − bridge': {better: 'less', unit: 'µs'},
  '1 KiB in and out, core / bridge': {better: 'more', unit: ''},
  '1 KiB in and out, core / Go stand-in': {better: 'more', unit: ''},
  '100 KiB in and out, core / bridge': {better: 'more', unit: ''},
  '100 KiB in and out, core / Go stand-in': {better: 'more', unit: ''},
  '1 MiB in and out, core / bridge': {better: 'more', unit: ''},
  '1 MiB in and out, core / Go stand-in': {better: 'more', unit: ''},
  '1 MiB in and out, core / functions-framework': {better: 'more', unit: ''},
  '1 MiB in and out, core / before the channel': {better: 'more', unit: ''},
  '1 MiB in and out, CPU of core / before the channel': {better: 'less', unit: ''},
  '6 MiB in and out, core / bridge': {better: 'more', unit: ''},
  '6 MiB in and out, core / Go stand-in': {better: 'more', unit: ''},
  'exec to first 2xx, bridge': {better: 'less', unit: 'ms'},
  'exec to first 2xx, core': {better: 'less', unit: 'ms'},
  'exec to first 2xx, core from source': {better: 'less', unit: 'ms'},
  'resident idle, core': {better: 'less', unit: 'MB'},
  'resident idle, core from source': {better: 'less', unit: 'MB'},
  'resident after load, core': {better: 'less', unit: 'MB'},
  'control group of 128 MB, idle': {better: 'less', unit: 'MB'},
  'control group of 128 MB, after small calls': {better: 'less', unit: 'MB'},
  'bodies of 1 MiB answered in 128 MB': {better: 'more', unit: ''},
  'requests/s, traced / untraced': {better: 'more', unit: ''},
  'CPU of a request, traced / untraced': {better: 'less', unit: ''},
  'requests/s, facts in memory / no facts': {better: 'more', unit: ''},
  'requests/s, facts in SQLite / no facts': {better: 'more', unit: ''},
  'CPU of a request, facts in memory / no facts': {better: 'less', unit: ''},
  'CPU of a request, facts in SQLite / no facts': {better: 'less', unit: ''},
  'accepted/s at 256 producers, core’s store / pg-boss': {better: 'more', unit: ''},
  'accepted/s at 256 producers, core’s store / BullMQ': {better: 'more', unit: ''},
  'accepted/s at 256 producers, core over HTTP / pg-boss behind HTTP': {better: 'more', unit: ''},
  'accepted/s at 256 producers, core over HTTP / BullMQ behind HTTP': {better: 'more', unit: ''},
  'claim among many waiting / among few, core’s store': {better: 'less', unit: ''},
  'messages/s of redis, core / loop that calls another process': {better: 'more', unit: ''},
  'messages/s of nats, core / loop that calls another process': {better: 'more', unit: ''},
  'messages/s of amqp, core / loop that calls another process': {better: 'more', unit: ''},
  'messages/s of kafka, core / loop that calls another process': {better: 'more', unit: ''},
  'messages/s of sqs, core / loop that calls another process': {better: 'more', unit: ''},
  'messages/s of mqtt, core / loop that calls another process': {better: 'more', unit: ''},
  'requests/s, two core processes / one': {better: 'more', unit: ''},
  'requests/s, known token / public': {better: 'more', unit: ''},
  'requests/s, new token / public': {better: 'more', unit: ''},
  'good answers/s at 10×, core / its capacity': {better: 'more', unit: ''},
  'p99 of a good answer at 10×, core': {better: 'less', unit: 'ms'},
  'Node bridge / Express, 1 KiB': {better: 'more', unit: ''},
  'Python bridge / gunicorn + Flask, 1 KiB': {better: 'more', unit: ''},
  'Go library / net/http, 1 KiB': {better: 'more', unit: ''},
} as const satisfies Readonly<Record<string, {better: 'more' | 'less'; unit: string}>>;

export type FigureName = keyof typeof catalogue;

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export type Figures = Partial<Record<FigureName, Spread>>;

export const isFigureName = (name: string): name is FigureName => Object.hasOwn(catalogue, name);

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function spreadOf(numbers: readonly number[]): Spread {
  return {min: Math.min(...numbers), median: median(numbers), max: Math.max(...numbers)};
}

/** Round by round, what stood beside one another in time: so that a machine that slows down slows down both. */
export function paired(
  these: readonly number[],
  those: readonly number[],
  combine: (one: number, other: number) => number = (one, other) => one / other,
): Spread {
  return spreadOf(these.map((one, round) => combine(one, those[round] ?? Number.NaN)));
}

/** `1.62 (1.55–1.70)`, with as many digits as such a number deserves. */
export function shown({min, median, max}: Spread, unit = ''): string {
  if ([min, median, max].some(Number.isNaN)) return '–';
  const write = writer(Math.max(Math.abs(min), Math.abs(max)));
  return `${write(median)}${unit && ` ${unit}`} (${write(min)}–${write(max)})`;
}

function writer(largest: number): (value: number) => string {
  const digits = largest < 10 ? 2 : largest < 100 ? 1 : 0;
  return value => value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}
