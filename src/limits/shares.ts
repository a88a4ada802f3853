/** What each part of a core process may hold of the memory, in bytes. */
export interface Shares {
  /** What is divided: the memory for all core processes and sub-runtimes together. */
  readonly limitBytes: number;
  /** Heads, bodies, events and replies: the default of CORE_INFLIGHT_BYTES, for this process. */
  readonly inflightBytes: number;
  /** Large bodies that are received and handled at the same time, where memory is scarce. */
  readonly bodyBytes: number;
  /** The largest body that fits when it is called over HTTP, which takes twice the copies of the channel. */
  readonly largestHttpBytes: number;
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

/** What a function's process takes before it does anything. */
const leastFunctionBytes = 24 * mebibyte;
/** How often a body is in memory that is called over HTTP, in core and function, with garbage. */
const httpCopies = 24;
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
  const isSmall = limitBytes <= smallBytes;
  return {
    limitBytes,
    inflightBytes: share(128 * mebibyte),
    bodyBytes: share(24 * mebibyte),
    largestHttpBytes:
      scarcity < 1 ? Math.max(fittingBytes, (limitBytes - leastCoreBytes - leastFunctionBytes) / httpCopies) : Number.POSITIVE_INFINITY,
    journalBytes: share(32 * mebibyte),
    logBytes: share(24 * mebibyte),
    coreBytes: Math.max(leastCoreBytes, Math.ceil((limitBytes * 3) / 8 / processes)),
    heapBytes: Math.max(32 * mebibyte, Math.ceil((limitBytes * 3) / 8 / processes)),
    functionHeapBytes: isSmall ? Math.ceil(Math.max(limitBytes / 2, limitBytes - leastCoreBytes)) : undefined,
    garbageBytes: share(8 * mebibyte),
    isScarce: limitBytes < ampleBytes,
    isSmall,
  };
}
