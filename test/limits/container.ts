import test from 'ava';
import {memoryLimit} from '../../src/limits/container.ts';

const machineBytes = 2 ** 34;
const unlimited = '9223372036854771712\n'; // how version 1 writes it

/** The limit on a system with these files. */
const limitOf = (files: Record<string, string>) =>
  memoryLimit(path => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  }, machineBytes);

test('where no control group has a limit, the machine has one', t => {
  t.is(limitOf({}), machineBytes);
  t.is(limitOf({'/proc/self/cgroup': '0::/kube/pod\n', '/sys/fs/cgroup/kube/pod/memory.max': 'max\n'}), machineBytes);
  t.is(limitOf({'/proc/self/cgroup': '4:memory:/\n', '/sys/fs/cgroup/memory/memory.limit_in_bytes': unlimited}), machineBytes);
  t.is(limitOf({'/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'nonsense\n'}), machineBytes);
  t.is(limitOf({'/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '0\n'}), machineBytes);
});

test('a limit above what the machine has does not count', t => {
  t.is(limitOf({'/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': String(2 ** 40)}), machineBytes);
});

const places: [title: string, groups: string, file: string][] = [
  ['version 2, in a container', '0::/\n', '/sys/fs/cgroup/memory.max'],
  ['version 2, own group', '0::/kube/pod\n', '/sys/fs/cgroup/kube/pod/memory.max'],
  ['version 2, outside of the namespace that it sees', '0::/../../other\n', '/sys/fs/cgroup/memory.max'],
  ['version 1, in a container, by the path of the host', '4:memory:/docker/abc\n', '/sys/fs/cgroup/memory/memory.limit_in_bytes'],
  ['version 1, own group', '5:cpu:/x\n4:memory:/docker/abc\n', '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes'],
  ['both versions', '4:memory:/docker/abc\n0::/\n', '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes'],
];
for (const [title, groups, file] of places) {
  test(`the limit is found: ${title}`, t => {
    t.is(limitOf({'/proc/self/cgroup': groups, [file]: '134217728\n'}), 2 ** 27);
  });
}

test('the smallest limit of the groups around the process counts', t => {
  const v2 = (own: string, parent: string) => ({
    '/proc/self/cgroup': '0::/kube/pod/container\n',
    '/sys/fs/cgroup/kube/pod/container/memory.max': own,
    '/sys/fs/cgroup/kube/pod/memory.max': 'max',
    '/sys/fs/cgroup/kube/memory.max': parent,
  });
  t.is(limitOf(v2('2000', '1000')), 1000);
  t.is(limitOf(v2('1000', '2000')), 1000);
  t.is(limitOf(v2('max', '2000')), 2000);
});
