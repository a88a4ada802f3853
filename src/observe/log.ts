import pino from 'pino';
import type {FunctionLine, Log} from '../log.ts';

export interface OpenLog extends Log, Disposable {
  /** Writes a line of the function as a record of its own. */
  function(line: FunctionLine): void;
}

/** Past this many bytes that stdout does not take, lines are dropped: logs never stop the function. */
const bufferBytes = 8 * 2 ** 20;

/** JSON lines on stdout; on a terminal, lines for people. */
export async function openLog({level, pretty}: {level: string; pretty: boolean}): Promise<OpenLog> {
  const destination = pretty ? await prettyStream() : jsonStream();
  const logger = pino(
    {level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: {level: label => ({level: label})}},
    destination,
  );
  const ofFunction = logger.child({source: 'function'});
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    function: ({line, ...fields}) => ofFunction.info(fields, line),
    [Symbol.dispose]() {
      if ('flushSync' in destination) destination.flushSync();
    },
  };
}

function jsonStream() {
  const stream = pino.destination({fd: 1, sync: false, maxLength: bufferBytes});
  // A closed or full stdout (EPIPE, ENOSPC) loses log lines, never the process.
  stream.on('error', () => {});
  return stream;
}

async function prettyStream() {
  const {default: pretty} = await import('pino-pretty');
  return pretty({colorize: true, sync: true, translateTime: 'HH:MM:ss.l', ignore: 'source'});
}
