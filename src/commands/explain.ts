import {isoStamp} from '../clock.ts';
import {json, one} from '../command/arguments.ts';
import {columns} from '../command/columns.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {FactTypes} from '../facts.ts';
import type {Recorded} from '../journal.ts';
import {type Explanation, explainInvocation} from '../projections/explanation.ts';
import {plainExplanation} from '../projections/plain.ts';
import type {BootView, ProcessView} from '../projections/runtimes.ts';
import {locateJournal, openArchive, whichJournal} from './journal-at.ts';

/** `core-runtime explain <id>`: a timeline of one invocation. */
export const explain = command({
  summary: 'Explains one invocation: what happened when, what failed, in which process, with which code.',
  arguments: {id: one('one invocation id', 'Id of the invocation; a reply carries it as Core-Invocation-Id.')},
  options: {...whichJournal, json},
  examples: {
    'explain 01a20731-45f2-7c3b-a3c2-e0a7b364f376': 'Print its timeline.',
    'explain 01a20731-45f2-7c3b-a3c2-e0a7b364f376 --json': 'The same for a program.',
  },
  async run({id, ...given}, env) {
    using archive = await openArchive(locateJournal(given, env));
    const explanation = await explainInvocation(archive, id.replace(/^invocation\./, ''));
    if (!explanation) throw new CommandFailed(exit.failed, `nothing is known about invocation ${id}: ${whyUnknown}`);
    given.json ? printJson(plainExplanation(explanation)) : print(...rowsOf(explanation));
    return exit.done;
  },
});

const whyUnknown = 'another journal has it, it is not kept any more, or its request was refused: refused requests are not kept';

function rowsOf(explanation: Explanation): string[] {
  const {invocation, facts, boot, claim, payloads} = explanation;
  const {id, source, traceparent, pid} = invocation;
  const kept = [payloads.request && 'request', payloads.reply && 'reply'].filter(Boolean).join(' and ');
  const rows = [
    ['outcome', outcome(explanation)],
    ['from', `${source ?? 'unknown'}${traceparent ? `, trace ${traceparent.slice(3, 35)}` : ''}`],
    ...(claim ? [['schedule', occurrence(claim)]] : []),
    ['process', pid === undefined ? noProcess(explanation) : describeProcess(pid, explanation)],
    ['code', boot?.codeDigest ? `sha256 ${boot.codeDigest.slice(0, 12)}` : 'unknown'],
    ['core', boot ? describeBoot(boot) : 'unknown'],
    ['kept', kept || 'facts only'],
  ];
  const start = facts[0]?.at ?? 0;
  const line = (recorded: Recorded) => `  ${timelineRow(`+${recorded.at - start} ms`, recorded.fact.type, details(recorded))}`;
  return [`Invocation ${id}`, ...rows.map(cells => `  ${headRow(...cells)}`), '', `  ${isoStamp(start)}`, ...facts.map(line)];
}

const headRow = columns(8);
const timelineRow = columns(-10, 20);

function outcome({invocation: {status, replyStatus, code, durationMs}, boot}: Explanation): string {
  if (status === 'running') return `no last fact: it still runs, or it ran when the core ended${boot ? '' : ', whose facts are gone'}`;
  return `${status}${code ? ` with ${code}` : ''}, status ${replyStatus}, after ${durationMs?.toFixed(1)} ms`;
}

const occurrence = ({name, occurrence, attempt, manual}: FactTypes['schedule.fired']) =>
  `${name}, occurrence ${occurrence}${attempt > 1 ? `, attempt ${attempt}` : ''}${manual ? ', fired by hand' : ''}`;

const noProcess = ({invocation: {status}}: Explanation) => (status === 'running' ? 'known once it is over' : 'never reached one');

function describeProcess(pid: number, {boot, invocation: {acceptedAt = 0}}: Explanation): string {
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

const describeBoot = ({id, version, settings, startedAt}: BootView) =>
  `${version ?? ''} started ${isoStamp(startedAt)}${settings ? `, settings sha256 ${settings.slice(0, 12)}` : ''}, boot ${id}`.trimStart();

function details({fact}: Recorded): string {
  return Object.entries(fact.data)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
