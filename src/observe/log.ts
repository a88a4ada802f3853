import {constants, fstatSync, openSync} from 'node:fs';
import pino from 'pino';
import type {Clock} from '../clock.ts';
import type {FunctionLine, Log} from '../log.ts';

export interface LogOptions {
  readonly level: string;
  /** Called with the number of lines that stdout did not take. */
  readonly onDropped: (lines: number) => void;
  readonly clock: Clock;
  /** When so many bytes wait for stdout, lines are dropped: logs never stop the function. */
  readonly maxWaitingBytes: number;
}

export interface OpenLog extends Log, AsyncDisposable {
  /** Writes a line of the function as a record of its own. */
  function(line: FunctionLine): void;
  /** Writes a record that another of our processes has made. */
  pass(record: string): void;
  /** A log for a library, whose lines name the library. They are written at every level of ours, as the library has its own. */
  of(library: string): Log;
  /** Bytes that stdout has not taken yet. */
  waitingBytes(): number;
  /**
  Waits until stdout has taken what was written, as long as it takes some, and at most `mostMs`. What is left then is dropped
  and counted as dropped, so that there is room for the last record.
  */
  drain(mostMs: number): Promise<void>;
  /** Drops what stdout has not taken, and writes nothing from now on. */
  abandon(): void;
}

/** How long the end of the process waits for the last lines, as the reader of stdout may be dead. */
const lastLinesMs = 1000;
/** Pause between two looks at what stdout has taken. */
const lookMs = 20;

/** JSON lines on stdout. */
export function openLog({level, onDropped, clock, maxWaitingBytes}: LogOptions): OpenLog {
  const destination = jsonStream(onDropped, maxWaitingBytes);
  const logger = pino(
    {level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: {level: label => ({level: label})}},
    destination,
  );
  const ofFunction = logger.child({source: 'function'});
  const loggers = [logger, ofFunction];
  return {
    ...writing(logger),
    of(library) {
      const child = logger.child({source: library}, {level: 'debug'});
      loggers.push(child);
      return writing(child);
    },
    function: ({line, level, ...fields}) => (level === 'error' ? ofFunction.error(fields, line) : ofFunction.info(fields, line)),
    pass: record => void destination.write(`${record}\n`),
    waitingBytes,
    async drain(mostMs) {
      const endsAt = clock.monotonic() + mostMs;
      let left = waitingBytes();
      let movedAt = clock.monotonic();
      for (let now = movedAt; left > 0 && now < endsAt && now - movedAt < lastLinesMs; now = clock.monotonic()) {
        await clock.sleep(lookMs);
        const known = left;
        left = waitingBytes();
        if (left < known) movedAt = clock.monotonic();
      }
      if (left > 0 && '_bufs' in destination) onDropped(dropQueue(destination as unknown as Queue));
    },
    abandon,
    async [Symbol.asyncDispose]() {
      silence();
      if (!('flushSync' in destination)) return;
      const {promise, resolve} = Promise.withResolvers<unknown>();
      destination.once('close', resolve);
      destination.once('error', resolve);
      clock.after(lastLinesMs, () => resolve(undefined));
      destination.end();
      await promise;
      const queue = destination as unknown as Queue;
      if (waitingBytes() > 0) onDropped(dropQueue(queue) + linesIn(String(queue._writingBuf)));
      abandon();
    },
  };

  /** An undocumented field of pino's stream. If it is missing, these bytes are not counted; they have a bound of their own. */
  function waitingBytes(): number {
    return (destination as Partial<Queue>)._len ?? 0;
  }

  function silence() {
    for (const each of loggers) each.level = 'silent';
  }

  function abandon() {
    silence();
    // When the process exits, pino writes what is left, however long that takes, unless the stream is destroyed.
    if ('flushSync' in destination) destination.destroy();
  }
}

const writing = (logger: pino.Logger): Log => ({
  debug: (fields, message) => logger.debug(fields, message),
  info: (fields, message) => logger.info(fields, message),
  warn: (fields, message) => logger.warn(fields, message),
  error: (fields, message) => logger.error(fields, message),
});

/** What pino's stream has not written yet. These are private fields: it has no public ones for it. */
interface Queue {
  readonly _bufs: string[];
  /** The text that is on its way to the system. */
  readonly _writingBuf: string | Buffer;
  /** Bytes of both. */
  _len: number;
}

/** @returns how many lines were dropped */
function dropQueue(queue: Queue): number {
  const lines = queue._bufs.reduce((sum, text) => sum + linesIn(text), 0);
  queue._bufs.length = 0;
  queue._len = Buffer.byteLength(queue._writingBuf);
  return lines;
}

const linesIn = (text: string) => text.split('\n').length - 1;

function jsonStream(onDropped: LogOptions['onDropped'], maxLength: number) {
  const stream = pino.destination({fd: writableOutput(), sync: false, maxLength});
  // A closed or full stdout (EPIPE, ENOSPC) loses log lines, never the process.
  stream.on('error', () => {});
  stream.on('drop', () => onDropped(1));
  return stream;
}

/**
A pipe that nobody reads blocks a thread in `write` for ever, and with it the end of the process. A pipe that is opened once
more, without blocking, reports that it is full instead. Files, terminals and sockets stay as they are.
*/
function writableOutput(): number {
  if (!fstatSync(1).isFIFO()) return 1;
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return 1; // no /proc, or the pipe is another user's
  }
}
