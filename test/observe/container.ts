import test from 'ava';
import {containerId} from '../../src/observe/container.ts';

const id = '0123456789abcdef'.repeat(4);
const other = 'f'.repeat(64);

const files =
  (table: Record<string, string>) =>
  (path: string): string => {
    const text = table[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };

for (const [title, cgroup, mountinfo] of [
  ['a machine without control groups', undefined, undefined],
  ['a shell on a machine', '0::/user.slice/user-1000.slice/session-2.scope\n', '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n'],
  ['a hash that is too short', `4:memory:/docker/${id.slice(1)}\n`, undefined],
  [
    'a pod under version 2, whose mounts name the sandbox only',
    '0::/\n',
    `600 594 8:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${other}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n`,
  ],
] as const) {
  test(`${title} is no container`, t => {
    t.is(
      containerId(files({...(cgroup && {'/proc/self/cgroup': cgroup}), ...(mountinfo && {'/proc/self/mountinfo': mountinfo})})),
      undefined,
    );
  });
}

for (const [title, table] of [
  ['Docker under version 1', {'/proc/self/cgroup': `12:pids:/docker/${id}\n11:cpu:/docker/${id}\n`}],
  ['Docker under systemd', {'/proc/self/cgroup': `0::/system.slice/docker-${id}.scope\n`}],
  ['containerd in Kubernetes', {'/proc/self/cgroup': `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope\n`}],
  ['Kubernetes under version 1', {'/proc/self/cgroup': `3:cpu:/kubepods/burstable/pod-1/${id}\n`}],
  [
    'Docker under version 2',
    {
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': `677 667 254:1 /docker/containers/${id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw\n678 667 254:1 /docker/containers/${id}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n`,
    },
  ],
  [
    'Podman under version 2',
    {
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': `983 961 0:56 /containers/overlay-containers/${id}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n`,
    },
  ],
] as const) {
  test(`${title} has the id of the container`, t => {
    t.is(containerId(files(table)), id);
  });
}
