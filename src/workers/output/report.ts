import type {FunctionLine} from '../../log.ts';
import {channelVersion} from '../hop/frames.ts';

/** What a bridge reports once it listens: whether it could load the handler. */
export interface LoadReport {
  readonly loaded: boolean;
  readonly error?: string;
  /** The program that runs the handler: `Node.js 26.1.0`. */
  readonly runtime?: string;
  /** It is on the channel: calls reach it there, and it listens nowhere. */
  readonly isOnChannel?: boolean;
  /** Calls that it takes at a time when the user has set no number. */
  readonly concurrency?: number;
  /** It does not answer PING while a handler runs: it is not asked. */
  readonly answersPing?: false;
  /** It takes bodies as they come. */
  readonly takesBodies?: true;
}

/** A bridge puts at most 64 Ki characters into a record, and JSON may write each as twelve bytes. A record that is cut cannot be read. */
export const longestRecordBytes = 2 ** 20;

/** Receives what a bridge reports on its descriptor. */
export interface Hearing {
  report(report: LoadReport): void;
  line(line: FunctionLine): void;
  /** A call has ended whose connection had been closed before. */
  settled(invocationId: string): void;
  /** The bridge dropped lines, as they came faster than they were read. */
  dropped(lines: number): void;
}

/** Reads one line of the bridge's descriptor; skips what it does not know. */
export function hearBridge(text: string, hearing: Hearing): void {
  const {loaded, error, runtime, calls, concurrency, answersPing, bodies, log, settled, dropped} = parsed(text);
  if (typeof loaded === 'boolean') {
    const cause = !loaded && {error: typeof error === 'string' ? error : 'the bridge gave no cause'};
    hearing.report({
      loaded,
      ...cause,
      ...(typeof runtime === 'string' && {runtime}),
      ...(calls === channelVersion && {isOnChannel: true}),
      ...(isCount(concurrency) && {concurrency}),
      ...(answersPing === false && {answersPing}),
      ...(bodies === true && {takesBodies: true}),
    });
  } else if (typeof settled === 'string') {
    hearing.settled(settled);
  } else if (typeof dropped === 'number') {
    if (Number.isSafeInteger(dropped) && dropped > 0) hearing.dropped(dropped);
  } else {
    const line = functionLine(log);
    if (line) hearing.line(line);
  }
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1000;

/** Recognised without parsing: in a flood of lines, those that are dropped must cost little. */
export const isLogRecord = (text: string) => /^\s*\{\s*"log"/.test(text);

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

/** Takes only the known members of a line: the function can write to the descriptor, too, and each member becomes a field of the log. */
function functionLine(log: unknown): FunctionLine | undefined {
  const {stream, line, level, stack, invocationId, traceId} = Object(log);
  if ((stream !== 'stdout' && stream !== 'stderr') || typeof line !== 'string') return undefined;
  const thrown = level === 'error' && {level, ...(typeof stack === 'string' && {stack})};
  return {stream, line, ...thrown, ...(typeof invocationId === 'string' && {invocationId}), ...(typeof traceId === 'string' && {traceId})};
}
