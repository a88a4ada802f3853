import {parseArgs} from 'node:util';
import {isoStamp} from '../clock.ts';
import type {FactTypes} from '../facts.ts';
import type {Recorded} from '../journal.ts';
import {type Explanation, explainInvocation} from '../projections/explanation.ts';
import {plainExplanation} from '../projections/plain.ts';
import type {BootView, ProcessView} from '../projections/runtimes.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, locateJournal, openArchive, orFail, whichJournal} from './journal-at.ts';
import {print, printJson} from './terminal.ts';

/** Tells one invocation as a timeline: what happened when, who failed, in which process, with which version of the code. */
export async function explain(args: string[], env: Environment): Promise<void> {
  const {values, positionals} = parseArgs({args, allowPositionals: true, options: {...whichJournal, json: {type: 'boolean'}}});
  await orFail(async () => {
    const [id] = positionals;
    if (id === undefined || positionals.length > 1) {
      throw new CommandFailed(exit.misused, 'expected one invocation id; a reply carries it as Core-Invocation-Id');
    }
    using archive = await openArchive(locateJournal(values, env));
    const explanation = await explainInvocation(archive, id.replace(/^invocation\./, ''));
    if (!explanation) throw new CommandFailed(exit.failed, `nothing is known of invocation ${id}: ${whyUnknown}`);
    values.json ? printJson(plainExplanation(explanation)) : print(...rowsOf(explanation));
  });
}

const whyUnknown = 'it is of another journal or not kept any more, or its request was refused: refused requests are not kept';

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
  const line = (recorded: Recorded) =>
    `  ${`+${recorded.at - start} ms`.padStart(10)}  ${recorded.fact.type.padEnd(21)} ${details(recorded)}`;
  const head = rows.map(([name = '', value]) => `  ${name.padEnd(8)} ${value}`);
  return [`Invocation ${id}`, ...head, '', `  ${isoStamp(start)}`, ...facts.map(line)];
}

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
