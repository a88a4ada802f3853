import type {Bounds, Findings} from './phase.ts';

/** What holds in every phase that does not say otherwise. */
const always: Partial<Findings> = {hung: 0, lost: 0, recoveryMs: 15_000, orphans: 0, zombies: 0, descriptors: 5, died: 0};

/** The broken ones, each as a sentence; what was not found breaks its bound. */
export function judge(findings: Findings, bounds: Bounds): string[] {
  return bounded({...bounds, most: {...always, ...bounds.most}})
    .filter(({name, holds}) => !holds(findings[name] ?? Number.NaN))
    .map(({name, bound, word}) => `${name} ${rounded(findings[name])}, ${word} ${bound}`);
}

/** A phase's own bounds, for people. */
export const described = (bounds: Bounds) =>
  bounded(bounds)
    .map(({name, bound, word}) => (bound === Number.POSITIVE_INFINITY ? `any ${name}` : `${name} ${word} ${bound}`))
    .join(', ');

export const describedAlways = described({most: always});

function bounded({most = {}, least = {}}: Bounds) {
  return [
    ...entries(most).map(([name, bound]) => ({name, bound, word: 'at most', holds: (found: number) => found <= bound})),
    ...entries(least).map(([name, bound]) => ({name, bound, word: 'at least', holds: (found: number) => found >= bound})),
  ];
}

const rounded = (found = Number.NaN) => String(Math.round(found * 100) / 100);

function entries(record: Partial<Findings>) {
  return Object.entries(record) as [keyof Findings, number][]; // its keys are those
}
