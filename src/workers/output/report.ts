import type {FunctionLine} from '../../log.ts';

/** What a bridge says once it listens: whether it could load the handler. */
export interface LoadReport {
  readonly loaded: boolean;
  readonly error?: string;
  /** What runs the handler: `Node.js 26.1.0`. */
  readonly runtime?: string;
  /** The abstract socket on which it listens beside its port, where it has one. */
  readonly socket?: string;
}

/** A bridge tags 64 Ki characters at most, and JSON may write each as twelve bytes; a record that is cut cannot be understood. */
export const longestRecordBytes = 2 ** 20;

/** What a bridge may say on its descriptor. */
export interface Hearing {
  report(report: LoadReport): void;
  line(line: FunctionLine): void;
  /** A call whose connection had been closed came to its end. */
  settled(invocationId: string): void;
  /** So many lines were not written, as they came faster than they were read. */
  dropped(lines: number): void;
}

/** Understands a line on the bridge's descriptor; skips what it does not know. */
export function hearBridge(text: string, hearing: Hearing): void {
  const {loaded, error, runtime, socket, log, settled, dropped} = parsed(text);
  if (typeof loaded === 'boolean') {
    const cause = !loaded && {error: typeof error === 'string' ? error : 'the bridge gave no cause'};
    const isName = typeof socket === 'string' && /^[\w-]{1,100}$/.test(socket);
    hearing.report({loaded, ...cause, ...(typeof runtime === 'string' && {runtime}), ...(isName && {socket})});
  } else if (typeof settled === 'string') {
    hearing.settled(settled);
  } else if (typeof dropped === 'number') {
    if (Number.isSafeInteger(dropped) && dropped > 0) hearing.dropped(dropped);
  } else {
    const line = functionLine(log);
    if (line) hearing.line(line);
  }
}

/** Told without parsing: a flood of lines must cost little where they are dropped. */
export const isLogRecord = (text: string) => /^\s*\{\s*"log"/.test(text);

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

/** Only the members that a line has: the descriptor is open to the function, and each would become a field of the log. */
function functionLine(log: unknown): FunctionLine | undefined {
  const {stream, line, level, stack, invocationId, traceId} = Object(log);
  if ((stream !== 'stdout' && stream !== 'stderr') || typeof line !== 'string') return undefined;
  const thrown = level === 'error' && {level, ...(typeof stack === 'string' && {stack})};
  return {stream, line, ...thrown, ...(typeof invocationId === 'string' && {invocationId}), ...(typeof traceId === 'string' && {traceId})};
}
