import {markdownTable} from '../figures.ts';
import {described, describedAlways} from './judge.ts';
import type {Findings, Phase} from './phase.ts';
import type {Tortured} from './torture.ts';

type Column = readonly [head: string, cell: (findings: Findings) => string];

const plain = (name: keyof Findings): Column => [name, found => String(found[name])];
const inUnit =
  (unit: string) =>
  (head: string, name: keyof Findings): Column => [
    head,
    ({[name]: found = Number.NaN}) => (Number.isNaN(found) ? '–' : `${Math.round(found)} ${unit}`),
  ];
const [ms, mebibytes] = [inUnit('ms'), inUnit('MiB')];

const columns: readonly Column[] = [
  plain('calls'),
  ['2xx', found => String(found.good)],
  ['502', found => String(found.badGateway)],
  ['503', found => String(found.unavailable)],
  ['504', found => String(found.late)],
  plain('other'),
  plain('refused'),
  plain('hung'),
  plain('lost'),
  ms('slowest', 'slowestMs'),
  ms('longest without 2xx', 'gapMs'),
  ms('served again after', 'recoveryMs'),
  plain('functions'),
  plain('orphans'),
  plain('zombies'),
  mebibytes('core peak', 'coreMiB'),
  mebibytes('core after', 'restMiB'),
  mebibytes('all peak', 'groupMiB'),
  mebibytes('journal peak', 'journalMiB'),
  ms('durable again after', 'durableMs'),
  ['fds', found => (found.died ? 'died' : `${found.descriptors > 0 ? '+' : ''}${found.descriptors}`)],
];

const columnHeads = ['phase', ...columns.map(([head]) => head), 'bounds'];

export const tableHead = markdownTable(columnHeads, []);

export function tableRow({name}: Phase, {findings, causes, broken}: Tortured): string {
  const verdict = broken.length === 0 ? 'hold' : `**broken**: ${broken.join('; ')}`;
  const lost = [...causes].map(([cause, times]) => `; lost ${times} × ${cause}`).join('');
  return lastLine([name, ...columns.map(([, cell]) => cell(findings)), verdict + lost]);
}

/** The row of a phase that found nothing. */
export const emptyRow = ({name}: Phase, why: string) => lastLine([name, ...columns.map(() => '–'), why]);

/** What is done in each, and what must hold. */
export function boundsTable(phases: readonly Phase[]): string {
  const rows = phases.map(({name, title, bounds}) => [name, title, described(bounds)]);
  return `${markdownTable(['phase', 'what is done', 'bounds'], rows)}\n\nIn each phase that does not say otherwise: ${describedAlways}.`;
}

const lastLine = (cells: readonly string[]) => markdownTable(columnHeads, [cells]).split('\n').at(-1) ?? '';
