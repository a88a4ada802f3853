import type {Exemplar} from './exemplars.ts';

/** A metric as the registry hands it out. */
export interface Family {
  readonly name: string;
  readonly help: string;
  /** counter, gauge, histogram … */
  readonly type: string;
  /** How the samples of several processes become one: sum, first, max … */
  readonly aggregator: string;
  readonly values: readonly Sample[];
}

export interface Sample {
  /** Absent when it is the name of the family. */
  readonly metricName?: string;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly value: number;
}

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/**
Writes the text that carries exemplars. prom-client's own writer renames the counters for good, so plain text written after it
would be wrong.

@param every labels of every sample, beside its own
@see OpenMetrics 1.0, Text Format
*/
export function writeOpenMetrics(
  families: readonly Family[],
  exemplarOf: (sample: Sample) => Exemplar | undefined,
  every: Sample['labels'] = {},
): string {
  const lines: string[] = [];
  const common = pairsOf(every);
  for (const {name, help, type, values} of families) {
    const family = type === 'counter' ? name.replace(/_total$/, '') : name;
    lines.push(`# HELP ${family} ${escaped(help)}`, `# TYPE ${family} ${type}`);
    for (const sample of values) {
      const exemplar = exemplarOf(sample);
      const trail = exemplar ? ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.at / 1000}` : '';
      lines.push(`${sample.metricName ?? name}${writeLabels(common, sample.labels)} ${sample.value}${trail}`);
    }
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

/**
@param every labels of every sample, beside its own
@see https://prometheus.io/docs/instrumenting/exposition_formats/ Text format 0.0.4
*/
export function writePlain(families: readonly Family[], every: Sample['labels'] = {}): string {
  const lines: string[] = [];
  const common = pairsOf(every);
  for (const {name, help, type, values} of families) {
    lines.push(`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`);
    for (const sample of values) lines.push(`${sample.metricName ?? name}${writeLabels(common, sample.labels)} ${sample.value}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Whether the caller prefers OpenMetrics to plain text: RFC 9110 §12.5.1, for these two types. */
export function prefersOpenMetrics(accept: string): boolean {
  let best = {open: 0, plain: 0};
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase());
    const weight = Number(parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? 1) || 0;
    if (type === 'application/openmetrics-text') best = {...best, open: Math.max(best.open, weight)};
    else if (type === 'text/plain') best = {...best, plain: Math.max(best.plain, weight)};
  }
  return best.open > 0 && best.open >= best.plain;
}

function writeLabels(common: string, labels: Sample['labels']): string {
  const own = pairsOf(labels);
  if (common === '' && own === '') return '';
  return `{${common}${common === '' || own === '' ? '' : ','}${own}}`;
}

const pairsOf = (labels: Sample['labels']) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',');

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
