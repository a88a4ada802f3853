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
  /** So many bytes of a large request or reply came or went. */
  moved(bytes: number): void;
}

export interface GarbageOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** What this process may make itself, garbage included. */
  readonly coreBytes: number;
  /** So many bytes that came or went are worth a look, and so much growth since the last collection is worth another. */
  readonly stepBytes: number;
  /** What it has made: its memory without what it shares with files. NaN where the system does not say. */
  readonly ownBytes?: () => number;
  readonly collect?: () => void;
}

const lookMs = 250;
/** Collections that no large body asks for take at most this part of the time. */
const mostTimePart = 0.1;

/**
Collects garbage once this process has outgrown its share. V8 does not know how small the container is: it would let a
heap grow past 128 MB, and bodies, which are outside of its heap, by 64 MB, before it looks.
*/
export function collectPast({clock, coreBytes, stepBytes, ownBytes = readOwnBytes, collect = openCollector()}: GarbageOptions): Garbage {
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

  /** What small requests leave is counted nowhere. V8 sees it, so this may take its time. */
  function lookAgain(): void {
    clock.after(lookMs, () => {
      if (clock.monotonic() >= notBeforeMs) look();
      lookAgain();
    });
  }

  function look(): void {
    movedBytes = 0;
    const bytes = ownBytes();
    if (!(bytes > coreBytes) || bytes < leftBytes + stepBytes) return;
    const startedMs = clock.monotonic();
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
