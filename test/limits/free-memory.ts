import test from 'ava';
import {freeMemory} from '../../src/limits/free-memory.ts';

const MiB = 2 ** 20;

/** What is free on a system with these files. */
const freeWith = (files: Record<string, string>) =>
  freeMemory(path => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  });

const machine = {'/proc/meminfo': `MemTotal: 8192 kB\nMemAvailable:    ${(300 * MiB) / 1024} kB\n`};

test('where the system does not say, there is no end of memory', t => {
  t.is(freeWith({}), Number.POSITIVE_INFINITY);
  t.is(freeWith({'/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '100\n'}), Number.POSITIVE_INFINITY);
});

test('without a limit the machine has what is available', t => {
  t.is(freeWith({...machine, '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/memory.max': 'max\n'}), 300 * MiB);
});

test('version 2: the least of all groups counts, and files are free', t => {
  const files = {
    ...machine,
    '/proc/self/cgroup': '0::/pod/app\n',
    '/sys/fs/cgroup/pod/memory.max': String(256 * MiB),
    '/sys/fs/cgroup/pod/memory.current': String(200 * MiB),
    '/sys/fs/cgroup/pod/memory.stat': `anon 1\ninactive_file ${10 * MiB}\nactive_file ${5 * MiB}\n`,
    '/sys/fs/cgroup/pod/app/memory.max': String(128 * MiB),
    '/sys/fs/cgroup/pod/app/memory.current': String(100 * MiB),
    '/sys/fs/cgroup/pod/app/memory.stat': 'inactive_file 0\nactive_file 0\n',
  };
  t.is(freeWith(files), 28 * MiB);
  t.is(freeWith({...files, '/sys/fs/cgroup/pod/memory.current': String(250 * MiB)}), 21 * MiB);
});

test('version 1: groups inside count, too', t => {
  const group = '/sys/fs/cgroup/memory/docker/abc';
  const stat = `inactive_file 1\nactive_file 1\ntotal_inactive_file ${4 * MiB}\ntotal_active_file ${2 * MiB}\n`;
  const files = {
    '/proc/self/cgroup': '4:memory:/docker/abc\n',
    [`${group}/memory.limit_in_bytes`]: String(128 * MiB),
    [`${group}/memory.usage_in_bytes`]: String(120 * MiB),
    [`${group}/memory.stat`]: stat,
  };
  t.is(freeWith(files), 14 * MiB);
});

test('this machine has some', t => {
  const free = freeMemory();
  t.true(free > 0);
});
