import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import type {Socket} from 'node:net';
import {createInterface} from 'node:readline/promises';
import {systemClock} from '../src/clock.ts';
import {Fault} from '../src/errors.ts';
import type {Hop} from '../src/hop/hop.ts';
import type {RuntimeCall} from '../src/runtime.ts';
import {Channel} from '../src/workers/hop/channel.ts';
import {channelVersion} from '../src/workers/hop/frames.ts';
import type {Measured} from './load.ts';
import {cpuMicros} from './processes.ts';
import {endWithUs} from './servers.ts';

export interface ChannelProgram {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly concurrency: number;
}

/** A sub-runtime that is called in frames on a descriptor that it inherited. */
export interface OnChannel {
  readonly hop: Hop;
  readonly pid: number;
}

const maxReplyBytes = 64 * 2 ** 20;
const stopMs = 2000;

/**
Starts a sub-runtime on the channel, as the core does; it ends with the stack.

@returns undefined when it is not on the channel
*/
export async function startOnChannel(
  {command: [file, ...args], env, concurrency}: ChannelProgram,
  stack: AsyncDisposableStack,
): Promise<OnChannel | undefined> {
  const {PATH = '', HOME = ''} = process.env;
  const child = spawn(file, args, {
    env: {PATH, HOME, SCW_HANDLER_NAME: 'handle', ...env, CORE_BRIDGE_FD: '3', CORE_CALLS_FD: '4'},
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
  });
  endWithUs(child);
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGTERM');
    const stopTimer = systemClock.after(stopMs, () => child.kill('SIGKILL'));
    await ended;
    stopTimer();
  });
  if (!(await isOnChannel(child))) return undefined;
  const ignore = () => {};
  const events = {onBroken: ignore, onClosed: ignore, onSilent: ignore, onAlive: ignore};
  const options = {socket: child.stdio[4] as Socket, maxReplyBytes, concurrency, answersPing: true, takesBodies: false, ...events};
  const hop = new Channel(options, systemClock);
  stack.defer(() => hop.destroy(new Fault('UPSTREAM_LOST')));
  return {hop, pid: child.pid ?? 0};
}

/** @throws Error when it did not load the handler */
async function isOnChannel(child: ChildProcess): Promise<boolean> {
  const lines = createInterface({input: child.stdio[3] as Socket});
  for await (const line of lines) {
    const {loaded, calls} = JSON.parse(line);
    if (loaded) return calls === channelVersion;
    if (loaded === false) throw new Error(`Expected a handler that was loaded, got ${line}`);
  }
  throw new Error('The sub-runtime ended before it was ready');
}

export interface CallsOptions {
  readonly atOnce: number;
  readonly seconds: number;
  readonly pids: readonly number[];
}

/** Calls a sub-runtime from this process, so many calls at a time. CPU is that of the sub-runtime; `ownCpuUs` is ours. */
export async function measureCalls(
  hop: Hop,
  newCall: () => RuntimeCall,
  {atOnce, seconds, pids}: CallsOptions,
): Promise<Measured & {readonly ownCpuUs: number}> {
  const times: number[] = [];
  let errors = 0;
  const [cpuBefore, ownBefore, startedMs] = [cpuMicros(pids), process.cpuUsage(), systemClock.monotonic()];
  const untilMs = startedMs + seconds * 1000;
  const caller = async () => {
    for (let nowMs = startedMs; nowMs < untilMs; ) {
      const reply = await hop.send(newCall(), ignoreEnd, ignoreEnd).catch(() => undefined);
      if (reply?.status !== 200) errors++;
      const endedMs = systemClock.monotonic();
      times.push(endedMs - nowMs);
      nowMs = endedMs;
    }
  };
  await Promise.all(Array.from({length: atOnce}, caller));
  const {user, system} = process.cpuUsage(ownBefore);
  const tookMs = systemClock.monotonic() - startedMs;
  times.sort((a, b) => a - b);
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? Number.NaN) * 1000;
  return {
    requestsPerSecond: (times.length / tookMs) * 1000,
    p50Us: at(0.5),
    p99Us: at(0.99),
    cpuUs: (cpuMicros(pids) - cpuBefore) / times.length,
    ownCpuUs: (user + system) / times.length,
    errors,
  };
}

const ignoreEnd = () => {};
