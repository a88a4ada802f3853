/** What each part of a core process may hold of the memory, in bytes. */
export interface Shares {
  /** What is divided: the memory for all core processes and sub-runtimes together. */
  readonly limitBytes: number;
  /** Heads, bodies, events and replies: the default of CORE_INFLIGHT_BYTES, for this process. */
  readonly inflightBytes: number;
  /** Large bodies that are received and handled at the same time, where memory is scarce. */
  readonly bodyBytes: number;
  /** The largest body that fits into the memory with all its copies, by how the sub-runtime is called. */
  readonly largestBodyBytes: {readonly channel: number; readonly http: number};
  /** Facts that the disk has not taken yet. */
  readonly journalBytes: number;
  /** Log lines that stdout has not taken yet. */
  readonly logBytes: number;
  /** All that this process makes itself, garbage included. Past it garbage is collected early. */
  readonly coreBytes: number;
  /** V8's heap of this process, where the memory is small. */
  readonly heapBytes: number;
  /** V8's heap of a function's process in Node; undefined: as large as V8 lets it be. */
  readonly functionHeapBytes: number | undefined;
  /** Garbage that may grow past its share before it is collected, in the core and by our Node bridge. */
  readonly garbageBytes: number;
  /** The shares are smaller than they would be with more memory. */
  readonly isScarce: boolean;
  /** Memory is so scarce that it matters more than speed. */
  readonly isSmall: boolean;
}

const mebibyte = 2 ** 20;
/** From here on nothing is scarce. */
const ampleBytes = 1024 * mebibyte;
const smallBytes = 256 * mebibyte;
/** The least that a core lives with: a function's process cannot have had it before it had a limit of its own. */
const leastCoreBytes = 52 * mebibyte;

/** What core and function take before they hold a body. */
const emptyBytes = {channel: 56 * mebibyte, http: 76 * mebibyte};
/** How often a body is in memory, in core and function, with garbage. */
export const bodyCopies = {channel: 6, http: 24};
/** A body of this size fits everywhere. */
const fittingBytes = mebibyte / 4;

/**
Divides the memory of a container among the parts of a core. The shares are decided here and nowhere else: from 1 GiB on
they do not grow any more, below they shrink with the memory.

@param limitBytes of the container, or of the machine
@param processes core processes that share it
*/
export function divideMemory(limitBytes: number, processes = 1): Shares {
  const scarcity = Math.min(1, limitBytes / ampleBytes);
  const share = (ofAmpleBytes: number) => Math.ceil((ofAmpleBytes * scarcity) / processes);
  const isScarce = limitBytes < ampleBytes;
  const isSmall = limitBytes <= smallBytes;
  const largest = (hop: 'channel' | 'http') =>
    isScarce ? Math.max(fittingBytes, Math.floor((limitBytes - emptyBytes[hop]) / bodyCopies[hop])) : Number.POSITIVE_INFINITY;
  return {
    limitBytes,
    inflightBytes: share(128 * mebibyte),
    bodyBytes: share(24 * mebibyte),
    largestBodyBytes: {channel: largest('channel'), http: largest('http')},
    journalBytes: share(32 * mebibyte),
    logBytes: share(24 * mebibyte),
    coreBytes: Math.max(36 * mebibyte, Math.ceil((limitBytes * 3) / 8 / processes)),
    heapBytes: Math.max(24 * mebibyte, Math.ceil((limitBytes * 3) / 8 / processes)),
    functionHeapBytes: isSmall ? Math.ceil(Math.max(limitBytes / 2, limitBytes - leastCoreBytes)) : undefined,
    garbageBytes: share(8 * mebibyte),
    isScarce,
    isSmall,
  };
}
