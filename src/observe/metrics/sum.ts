import type {Family, Sample} from './open-metrics.ts';

/** Of these every process says the same: one answer is enough. */
const once = new Set(['core_build_info', 'core_journal_durable', 'core_processes_up']);
/** Of these the largest counts: the oldest of several keeps callers waiting, not all together. */
const largest = new Set(['core_key_set_age_seconds']);

/** The metrics of several processes as those of one: samples of the same name and labels are added up. */
export function sumFamilies(processes: readonly (readonly Family[])[]): Family[] {
  const families = new Map<string, {family: Family; samples: Map<string, Sample>}>();
  for (const family of processes.flat()) {
    const known = families.get(family.name) ?? {family, samples: new Map<string, Sample>()};
    families.set(family.name, known);
    for (const sample of family.values) {
      const key = `${sample.metricName ?? ''} ${JSON.stringify(sample.labels)}`;
      const before = known.samples.get(key);
      if (!before) known.samples.set(key, sample);
      else if (largest.has(family.name)) known.samples.set(key, {...before, value: Math.max(before.value, sample.value)});
      else if (!once.has(family.name)) known.samples.set(key, {...before, value: before.value + sample.value});
    }
  }
  return [...families.values()].map(({family, samples}) => ({...family, values: [...samples.values()]}));
}

/** What stays true of a process that is gone: what it has counted. How it was, its gauges, is gone with it. */
export function countersOf(families: readonly Family[]): Family[] {
  return families.filter(({type}) => type !== 'gauge');
}
