import test from 'ava';
import {openOomCounter} from '../../src/workers/memory/cgroup.ts';

const noFile = () => {
  throw new Error('ENOENT');
};

/** A system with these files. */
const reading = (files: Record<string, string>) => (path: string) => files[path] ?? noFile();

test('where the system reports nothing, no process counts as killed', t => {
  t.is(openOomCounter(noFile).kills(), 0);
  t.is(openOomCounter(reading({'/proc/self/cgroup': '0::/'})).kills(), 0);
  t.is(openOomCounter(reading({'/sys/fs/cgroup/memory.events': 'low 0\noom 3\n'})).kills(), 0);
});

const places: [title: string, path: string, groups: string][] = [
  ['version 2, own group', '/sys/fs/cgroup/kube/pod/memory.events', '0::/kube/pod\n'],
  ['version 2, in a container', '/sys/fs/cgroup/memory.events', '0::/\n'],
  ['version 1, own group', '/sys/fs/cgroup/memory/docker/abc/memory.oom_control', '5:cpu,cpuacct:/x\n4:memory:/docker/abc\n'],
  ['version 1, with other controllers', '/sys/fs/cgroup/memory/docker/abc/memory.oom_control', '4:hugetlb,memory,rdma:/docker/abc\n'],
  ['version 1, in a container', '/sys/fs/cgroup/memory/memory.oom_control', '4:memory:/docker/abc\n'],
];
for (const [title, path, groups] of places) {
  test(`the counter of ${title} is read again each time`, t => {
    const files = {'/proc/self/cgroup': groups, [path]: 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n'};
    const counter = openOomCounter(reading(files));
    t.is(counter.kills(), 2);
    files[path] = 'oom_kill 3\n';
    t.is(counter.kills(), 3);
    delete files[path];
    t.is(counter.kills(), 0);
  });
}
