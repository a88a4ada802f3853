import {readFileSync} from 'node:fs';
import {flushCompileCache} from 'node:module';
import v8 from 'node:v8';
import vm from 'node:vm';
import {attempt} from '../attempt.ts';
import type {Clock} from '../clock.ts';

/**
Lets the heap grow to twice what is alive before V8 collects its old part; by default it may be four times as much. Objects
of requests that wait get old before they die: under a flood the process would be mostly garbage. To be called once, by each
process that serves, when all is loaded: what V8 compiled before, for Node itself and in the compile cache, belongs to other
flags, and serves nothing from then on. Called first, it would make a start 20 ms longer.
*/
export function boundGarbage(): void {
  flushCompileCache();
  growBy(1);
}

/** How often its own size a heap may grow by what is not alive. V8 reads it after each collection. */
function growBy(times: number): void {
  v8.setFlagsFromString(`--heap-growing-percent=${times * 100}`);
}

/** Hears of what may have become garbage. */
export interface Garbage {
  /** So many bytes of a large request or reply came or went. */
  moved(bytes: number): void;
  /** A body comes that needs nearly all the memory that there is. */
  makeRoom?(): void;
}

export interface RoomOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly heapBytes?: () => number;
  readonly grow?: (times: number) => void;
}

/** Garbage of this size is worth less than the time of a collection. */
const roomBytes = 64 * 2 ** 20;
const mostTimes = 4;
/** After so many bytes of large bodies the heap is looked at, and while it has room. */
const movedStepBytes = 4 * 2 ** 20;
const lookMs = 250;

/**
Lets V8 wait longer before it collects while the heap is small and large bodies come and go. V8 counts them with the heap,
although they are outside of it: at a heap of 15 MB it would collect after every third body of 1 MiB, and spend half of the
core's time. Once no bodies come, or the heap has grown, it grows by its own size again. For machines with memory to spare.
*/
export function leaveRoom({clock, heapBytes = readHeapBytes, grow = growBy}: RoomOptions): Garbage {
  let movedBytes = 0;
  let times = 1;
  return {
    moved(bytes) {
      movedBytes += bytes;
      if (times === 1 && movedBytes >= movedStepBytes) look();
    },
  };

  function look(): void {
    const before = times;
    times = movedBytes >= movedStepBytes ? Math.max(1, Math.min(mostTimes, Math.floor(roomBytes / heapBytes()))) : 1;
    movedBytes = 0;
    if (times !== before) grow(times);
    if (times > 1) clock.after(lookMs, look);
  }
}

const readHeapBytes = () => v8.getHeapStatistics().used_heap_size;

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
    makeRoom() {
      movedBytes = 0;
      collect();
      leftBytes = ownBytes();
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
