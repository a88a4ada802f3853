import {readFileSync} from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import {attempt} from '../attempt.ts';
import type {Clock} from '../clock.ts';

/**
Lets the heap grow to twice what is alive before V8 collects its old part; by default it may be four times as much. Objects
of requests that wait get old before they die: under a flood the process would be mostly garbage. To be called once, at
the start, by each process that serves.
*/
export function boundGarbage(): void {
  v8.setFlagsFromString('--heap-growing-percent=100');
}

export interface Garbage {
  /** So many bytes of requests and replies came or went. */
  moved(bytes: number): void;
}

export interface GarbageOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** What this process may make itself, garbage included. */
  readonly coreBytes: number;
  /** What it has made: its memory without what it shares with files. NaN where the system does not say. */
  readonly ownBytes?: () => number;
  readonly collect?: () => void;
}

const lookMs = 250;
/** So many bytes that came or went are worth a look, and so much growth since the last collection is worth another. */
const stepBytes = 4 * 2 ** 20;
/** Collections take at most this part of the time, unless memory has grown much since the last one. */
const mostTimePart = 0.1;
const urgentBytes = 4 * stepBytes;

/**
Collects garbage once this process has outgrown its share. V8 does not know how small the container is: it would let a
heap grow past 128 MB, and bodies, which are outside of its heap, by 64 MB, before it looks.
*/
export function collectPast({clock, coreBytes, ownBytes = readOwnBytes, collect = openCollector()}: GarbageOptions): Garbage {
  let movedBytes = 0;
  let leftBytes = 0;
  let notBeforeMs = 0;
  lookAgain();
  return {
    moved(bytes) {
      movedBytes += bytes;
      if (movedBytes >= stepBytes) look();
    },
  };

  function lookAgain(): void {
    clock.after(lookMs, () => {
      look();
      lookAgain();
    });
  }

  function look(): void {
    movedBytes = 0;
    const bytes = ownBytes();
    if (!(bytes > coreBytes) || bytes < leftBytes + stepBytes) return;
    const startedMs = clock.monotonic();
    if (startedMs < notBeforeMs && bytes < leftBytes + urgentBytes) return;
    collect();
    const endedMs = clock.monotonic();
    notBeforeMs = endedMs + (endedMs - startedMs) / mostTimePart;
    leftBytes = ownBytes();
  }
}

/** V8's own function, which it shows only to contexts that are made while the flag is set. */
function openCollector(): () => void {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  v8.setFlagsFromString('--no-expose-gc');
  return () => collect();
}

/** @see proc_pid_statm(5): all resident pages, and those that belong to files */
function readOwnBytes(): number {
  const [, resident = Number.NaN, shared = Number.NaN] = (attempt(() => readFileSync('/proc/self/statm', 'latin1')) ?? '')
    .split(' ')
    .map(Number);
  return (resident - shared) * pageBytes;
}

const pageBytes = 4096;
