import {readFileSync} from 'node:fs';
import {attempt} from '../attempt.ts';

/**
The id of the container that this process runs in, as its engine names it; undefined where the system does not say.
Under version 1 of the control groups the id is in their paths, under version 2 in the engines' mounts of `hostname`.
*/
export function containerId(read: (path: string) => string = path => readFileSync(path, 'utf8')): string | undefined {
  const groups = attempt(() => read('/proc/self/cgroup')) ?? '';
  const [, ofGroup] = /[/:-]([0-9a-f]{64})(?:\.scope)?$/m.exec(groups) ?? [];
  if (ofGroup) return ofGroup;
  // Only folders that are named after containers: containerd's mounts name the sandbox of the whole pod.
  const mounts = attempt(() => read('/proc/self/mountinfo')) ?? '';
  return /\/(?:containers|overlay-containers)\/([0-9a-f]{64})\/[^ ]*hostname /.exec(mounts)?.[1];
}
