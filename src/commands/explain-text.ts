import {commandLine} from '../called-as.ts';
import {isoStamp} from '../clock.ts';
import {columns} from '../command/columns.ts';
import {paint, type Style} from '../command/table.ts';
import type {FactTypes} from '../facts.ts';
import {printable, printableLines} from '../printable.ts';
import type {PlainExplanation} from '../projections/plain.ts';
import type {ProcessView} from '../projections/runtimes.ts';
import {bodyLines} from './body-text.ts';
import {phaseLines} from './phase-text.ts';

/** The log lines of an invocation are kept a quarter of a second after its end, and a busy machine takes longer. */
const linesFollowMs = 1000;

/**
What is known of one invocation, for people: lines that a terminal may print, in colours where it has them.

@param now wall time in milliseconds
*/
export function explanationText(explanation: PlainExplanation, now: number): string[] {
  const {id, facts, request, reply, log} = explanation;
  const start = Date.parse(facts[0]?.at ?? '');
  const line = ({at, type, data}: PlainExplanation['facts'][number]) =>
    `  ${printable(timelineRow(`+${Date.parse(at) - start} ms`, type, details(data)))}`;
  return [
    paint('bold', `Invocation ${printable(id)}`),
    ...headRows(explanation, now).map(
      ([name = '', text = '', style]) => `  ${paint('dim', name.padEnd(8))}  ${paint(style, printable(text))}`,
    ),
    ...section('where the time went', phaseLines(explanation.phases, explanation.durationMs ?? 0)),
    ...section(
      'request',
      request && messageLines(`${request.method} ${request.path}${request.query === '' ? '' : `?${request.query}`}`, request),
    ),
    ...section('reply', reply && messageLines(String(reply.status), reply)),
    ...section('log', log && logLines(log, start)),
    '',
    `  ${paint('bold', 'facts')}  ${paint('dim', `from ${isoStamp(start)} on`)}`,
    ...facts.map(line),
  ];
}

type Row = readonly [name: string, text: string, style?: Style | undefined];

function headRows(explanation: PlainExplanation, now: number): Row[] {
  const {source, traceparent, pid, boot, pending, schedule, fault, error, payloads, log} = explanation;
  const kept = [payloads.request && 'request', payloads.reply && 'reply', log && 'log lines'].filter(Boolean).join(', ');
  return [
    ['outcome', outcome(explanation), fault ? 'red' : explanation.status === 'running' ? 'yellow' : 'green'],
    ...(fault && !error ? [['why', fault.message] as Row] : []),
    ...(fault?.cause === undefined ? [] : [['cause', fault.cause, 'red'] as Row]),
    ...(error ? [['error', error.message, 'red'] as Row] : []),
    ...(boot?.handler === undefined ? [] : [['function', boot.handler] as Row]),
    ['from', `${source ?? 'unknown'}${traceparent ? `, trace ${traceparent.slice(3, 35)}` : ''}`],
    ...(schedule ? [['schedule', occurrence(schedule)] as Row] : []),
    ['process', pid === undefined ? noProcess(explanation) : describeProcess(pid, explanation)],
    ['code', boot?.codeDigest ? `sha256 ${boot.codeDigest.slice(0, 12)}` : 'unknown'],
    ['core', boot ? `${describeBoot(boot)}${pending === 'waiting' ? ', which accepted it' : ''}` : 'not known'],
    ['kept', `${kept || 'facts only'}${mayLinesFollow(explanation, now) ? linesFollow : ''}`],
  ];
}

/** Lines are kept of invocations whose request is kept. */
function mayLinesFollow({settledAt, payloads, log}: PlainExplanation, now: number): boolean {
  if (log || !payloads.request || settledAt === undefined) return false;
  return now >= settledAt && now - settledAt < linesFollowMs;
}

const linesFollow = '; its log lines, if it wrote any, are kept within a second: explain it again';

const timelineRow = columns(-10, 20);

function section(title: string, lines: readonly string[] = []): string[] {
  return lines.length === 0 ? [] : ['', `  ${paint('bold', title)}`, ...lines.map(line => `    ${line}`.trimEnd())];
}

function outcome({status, pending, facts, replyStatus, code, durationMs, boot}: PlainExplanation): string {
  if (pending === 'waiting') return `waiting: no attempt has begun; \`${commandLine('work')}\` shows when it is due`;
  if (pending === 'retrying') return `retrying: ${nextAttempt(facts.at(-1))}`;
  if (status === 'running') return `no last fact: it still runs, or it ran when the core ended${boot ? '' : ', which is not known'}`;
  return `${status}${code ? ` with ${code}` : ''}, status ${replyStatus}, after ${durationMs?.toFixed(1)} ms`;
}

function nextAttempt(newest: PlainExplanation['facts'][number] | undefined): string {
  if (newest?.type !== 'retry.scheduled') return 'the last attempt failed, and another one follows';
  const {attempt, afterMs} = newest.data as FactTypes['retry.scheduled'];
  return `attempt ${attempt} is due at ${isoStamp(Date.parse(newest.at) + afterMs)}`;
}

const occurrence = ({name, occurrence, attempt, manual, delivery}: NonNullable<PlainExplanation['schedule']>) =>
  `${name}, occurrence ${occurrence}${attempt > 1 ? `, attempt ${attempt}` : ''}${manual ? ', fired by hand' : ''}${delivery === 'work' ? ', handed on to work' : ''}`;

const noProcess = ({status}: PlainExplanation) => (status === 'running' ? 'known once it is over' : 'never reached one');

function describeProcess(pid: number, {boot, acceptedAt = 0}: PlainExplanation): string {
  const process =
    boot?.processes.findLast(each => each.pid === pid && (each.spawnedAt ?? 0) <= acceptedAt + 1) ??
    boot?.processes.findLast(each => each.pid === pid);
  if (!process) return String(pid);
  const {executable, bootMs, spawnedAt} = process;
  const started = spawnedAt === undefined ? '' : `, started ${isoStamp(spawnedAt)}`;
  return `${pid} (${executable ?? 'unknown'})${started}${bootMs === undefined ? '' : `, ready after ${Math.round(bootMs)} ms`}${end(process)}`;
}

function end({exitedAt, reason, signal}: ProcessView): string {
  if (exitedAt === undefined) return '';
  return `, ended ${isoStamp(exitedAt)}: ${reason}${signal ? ` ${signal}` : ''}`;
}

const describeBoot = ({id, version, settings, startedAt}: NonNullable<PlainExplanation['boot']>) =>
  `${version ?? ''} started ${isoStamp(startedAt)}${settings ? `, settings sha256 ${settings.slice(0, 12)}` : ''}, boot ${id}`.trimStart();

function messageLines(first: string, message: NonNullable<PlainExplanation['request'] | PlainExplanation['reply']>): string[] {
  const fields = message.headers.map(([name, value]) => `${paint('dim', `${printable(name)}:`)} ${printable(value)}`);
  return [printable(first), ...fields, ...bodyLines(message)];
}

function logLines({lines, dropped}: NonNullable<PlainExplanation['log']>, start: number): string[] {
  const rows = lines.map(({at, stream, line, level, stack}) => {
    const style = level === 'error' ? 'red' : stream === 'stderr' ? 'yellow' : undefined;
    const [first = '', ...more] = printableLines(stack ?? line).split('\n');
    // The time of a fact is that of its commit, which may come some fifty milliseconds after a line.
    const head = paint('dim', `+${Math.max(0, Date.parse(at) - start)} ms`.padStart(10));
    return [`${head}  ${paint(style, first)}`, ...more.map(each => `${' '.repeat(12)}${paint('dim', each)}`)];
  });
  return [...rows.flat(), ...(dropped > 0 ? [`… and ${dropped} more lines, for which there was no room`] : [])];
}

function details(data: object): string {
  return Object.entries(data)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
