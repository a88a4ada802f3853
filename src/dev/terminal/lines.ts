import type {FunctionLine} from '../../log.ts';
import type {Ended, Logged} from '../../observation.ts';
import {printable, printableLines} from '../../printable.ts';
import {indent, timeText} from './call-line.ts';
import type {Ink} from './ink.ts';
import {type Reading, thrownLines} from './thrown.ts';

/** Records of the core's log that the terminal says otherwise, or that are no news to the person in front of it. */
export const routine: ReadonlySet<string> = new Set(['Listening', 'Asked to stop', 'Stopped']);
/** The bridge reports the same with the place in the source. */
export const loadReport = 'The handler could not be loaded';
/** `dev` reports the same with the files that have changed. */
export const reloadReports: ReadonlySet<string> = new Set([
  'Reloaded: the new code is serving',
  'Not reloaded: the old code goes on serving',
]);
/** The core lets the calls in flight finish. */
export const stopReport = 'Stopping';
const bridgePrefix = 'core-bridge: cannot load the handler: ';
/** Every fault of the function begins with it; the line of the call says as much. */
const faultPrefix = 'An error occured during handler execution: ';

/** A line that the function wrote, or an error that it has thrown. */
export function functionLines({stream, line, level, stack}: FunctionLine, reading: Reading): string[] {
  if (level === 'error') return thrownLines(stack ?? line, reading);
  const text = printable(line.replaceAll('\t', '    '));
  return [stream === 'stderr' ? reading.ink('yellow', text) : text];
}

/** The bridge says that a call has run out of time. The line of the call says so, too, and how long that was. */
export const isTimeout = ({line, level}: FunctionLine): boolean => level === 'error' && /^\w+: Function timed out$/.test(line);

/** What the bridge says when it cannot load the handler, in one line; undefined for any other line. */
export function loadErrorIn({line, level}: FunctionLine): string | undefined {
  if (level !== 'error' || !line.startsWith(bridgePrefix)) return undefined;
  return line.slice(bridgePrefix.length).split('\n', 1)[0];
}

/** The same with the place in the source. */
export function loadErrorLines({line, stack}: FunctionLine, at: number, reading: Reading): string[] {
  const thrown = thrownLines(stack ?? line.slice(bridgePrefix.length), reading);
  return [`${timeText(at, reading.ink)}  ${mark('error', reading.ink)} ${loadReport}`, ...thrown.map(each => indent + each)];
}

/** Why a call failed. @param loadError why the handler could not be loaded, if it could not */
export function faultLines({fault}: Ended, loadError: string | undefined, reading: Reading): string[] {
  if (!fault) return [];
  const {code, cause, stack} = fault;
  const message = code === 'HANDLER_MISSING' && loadError !== undefined ? `${loadReport}: ${loadError}` : fault.message;
  const said = message.startsWith(faultPrefix) ? message.slice(faultPrefix.length) : message;
  const why = cause === undefined || cause === said ? '' : `: ${cause}`;
  const lines = `${said}${why}`.split('\n').map(printable);
  const [first = '', ...rest] = lines;
  return [`${reading.ink('red', code)}  ${first}`, ...rest, ...(stack === undefined ? [] : thrownLines(stack, reading))];
}

/** A record of the core's log. */
export function recordLines({at, level, fields, message}: Logged, reading: Reading): string[] {
  const {stack} = fields;
  const cause = typeof fields.cause === 'string' ? fields.cause : occurrencesIn(fields);
  const [first = '', ...rest] = printableLines(cause === undefined ? message : `${message}: ${cause}`).split('\n');
  const below = [...rest, ...(typeof stack === 'string' ? thrownLines(stack, reading) : [])];
  return [`${timeText(at, reading.ink)}  ${mark(level, reading.ink)} ${first}`, ...below.map(line => indent + line)];
}

/** Which occurrences of which schedule a record is about; undefined when it is about none. */
function occurrencesIn({schedule, occurrence, first, last, count, more, reason}: Logged['fields']): string | undefined {
  if (typeof schedule !== 'string') return undefined;
  if (typeof occurrence === 'string') return `${schedule} at ${occurrence}`;
  if (typeof first !== 'string' || typeof last !== 'string') return undefined;
  const when = first === last ? ` at ${first}` : `, ${count}${more === true ? ' or more' : ''} times from ${first} to ${last}`;
  return `${schedule}${when}${reason === 'down' ? ', before this start' : ''}`;
}

/** A sentence of the command itself. */
export const noteLine = (sentence: string, at: number, ink: Ink): string[] => [
  `${timeText(at, ink)}  ${ink('dim', '·')} ${printable(sentence)}`,
];

function mark(level: Logged['level'], ink: Ink): string {
  if (level === 'error') return ink('red', '✖');
  return level === 'warn' ? ink('yellow', '!') : ink('dim', '·');
}
