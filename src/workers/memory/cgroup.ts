import {readFileSync} from 'node:fs';
import {attempt} from '../../attempt.ts';
import {ownGroups} from '../../limits/container.ts';

/** Counts the processes of our control group that the kernel killed for lack of memory. */
export interface OomCounter {
  /** How many were killed so far; 0 where the system does not say. */
  kills(): number;
}

/** Where the counter may be: cgroup v2, then v1, each in the group of this process or, in a container, at the root. */
const places = (v2: string, v1: string) => [
  `/sys/fs/cgroup${v2}/memory.events`,
  '/sys/fs/cgroup/memory.events',
  `/sys/fs/cgroup/memory${v1}/memory.oom_control`,
  '/sys/fs/cgroup/memory/memory.oom_control',
];

/** Finds the counter once; reading it is one small file of the kernel. */
export function openOomCounter(read: (path: string) => string = path => readFileSync(path, 'utf8')): OomCounter {
  const {v1, v2} = ownGroups(read);
  const count = (path: string) => Number(/^oom_kill (\d+)$/m.exec(attempt(() => read(path)) ?? '')?.[1] ?? Number.NaN);
  const found = places(v2, v1).find(path => !Number.isNaN(count(path)));
  return {kills: () => (found === undefined ? 0 : count(found) || 0)};
}
