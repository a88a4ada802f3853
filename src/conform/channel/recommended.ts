import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import type {ChannelCase} from '../case.ts';
import {same} from '../expect.ts';
import {pieceBytes, runHeadBytes} from './frames.ts';
import {streamingCases} from './streaming.ts';

const long = 'x'.repeat(1_000_000);
const firstDescriptor = 3;

/** What our own bridges do beyond that. */
export const recommendedOnChannel: readonly ChannelCase[] = [
  {
    title: 'a long reply comes in frames of at most 64 KiB',
    over: 'channel',
    async run(sub) {
      const call = sub.calls.begin(sub.run({do: 'return', value: long}));
      await sub.replyTo(call.outcome);
      same({short: call.longestFrame <= pieceBytes + runHeadBytes}, {short: true});
    },
  },
  {
    title: 'the descriptors are closed in programs that it starts',
    over: 'channel',
    run: async sub => same(inheritable(sub.pid), []),
  },
  ...streamingCases,
];

const closeOnExec = 0o2000000;

/** The sockets beside stdio that a program started by this process would have; none where the system does not say. */
function inheritable(pid: number): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(`/proc/${pid}/fd`).filter(name => Number(name) >= firstDescriptor && isInherited(pid, name));
}

function isInherited(pid: number, name: string): boolean {
  try {
    if (!readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:')) return false;
    const [, flags = ''] = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    return false; // closed in the meantime
  }
}
