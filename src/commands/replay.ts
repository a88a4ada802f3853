import path from 'node:path';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {triggers} from '../../triggers/index.ts';
import {systemClock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import {JournalDamaged, type JournalReader} from '../journal.ts';
import type {JournalPlace} from '../journals/index.ts';
import {Boots} from '../projections/boots.ts';
import {plainComparison, plainHindrance} from '../replay/plain.ts';
import {acceptedSince, type NotReplayable, notReplayable, sample} from '../replay/recall.ts';
import {replay as replayInvocations} from '../replay/replay.ts';
import {Report} from '../replay/report.ts';
import {type OpenRerun, openRerun} from '../replay/rerun.ts';
import type {FunctionSpec} from '../runtime.ts';
import {type Config, joinSettings, parseConfig} from '../settings/config.ts';
import {childEnvironment} from '../settings/environment.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, locateJournal, openArchive, orFail, resolveNamed, untilInterrupted} from './journal-at.ts';
import {type Comparison, keepComparisons} from './replay-keep.ts';
import {parseReplay, type ReplayWish} from './replay-options.ts';
import {print, printJson} from './terminal.ts';

/**
Runs recorded invocations again and tells what changed: in the code of now against what was recorded, or in another
version of the code against it. Exit code 1 when something did; 66 when there was nothing to compare.
*/
export async function replay(args: string[], env: Environment): Promise<void> {
  await orFail(async () => {
    const wish = parseReplay(args);
    const journal = locateJournal(wish, env);
    try {
      using archive = await openArchive(journal);
      await replayFrom(archive, journal, wish, env);
    } catch (error) {
      if (!(error instanceof JournalDamaged)) throw error;
      throw new CommandFailed(
        exit.noJournal,
        `${journal.place}: ${error.message}; \`core-runtime journal verify\` lists all that is wrong`,
      );
    }
  });
}

async function replayFrom(archive: JournalReader, journal: JournalPlace, wish: ReplayWish, env: Environment): Promise<void> {
  const boots = await Boots.read(archive);
  const specs = specsOf(wish, env, boots);
  const report = new Report({baseline: shown(specs.baseline), candidate: specs.candidate && shown(specs.candidate)});
  const tell = (line: object) => (wish.isJson ? printJson(line) : undefined);
  const hindered = (each: NotReplayable) => {
    report.addHindered(each);
    tell(plainHindrance(each));
  };
  const ids = await choose(archive, wish, hindered);
  const comparisons: Comparison[] = [];
  const signal = untilInterrupted();
  if (ids.length > 0) {
    await using code = await openCode(specs, environmentOf(env), signal);
    const {baseline, candidate} = code;
    const house = {...code, journal: archive, clock: systemClock, signal, redact: specs.config.journalRedact};
    for await (const each of replayInvocations(ids, house)) {
      if ('hindrance' in each) {
        hindered(each);
        continue;
      }
      const digests = {baseline: baseline.digest, candidate: candidate?.digest};
      const all = {recorded: boots.of(each.recalled.run)?.codeDigest, ...digests};
      report.add(each, all);
      tell(plainComparison(each, all));
      comparisons.push({invocationId: each.recalled.id, verdict: each.judgement.verdict, ...onlyGiven(digests)});
    }
  }
  if (!wish.isJson) print(...report.text().split('\n'));
  if (comparisons.length > 0) await keepComparisons(comparisons, journal, env);
  conclude(report, wish, signal.aborted);
}

/** Starts the processes, one after another. @throws CommandFailed when one does not start */
async function openCode({config, baseline, candidate}: Specs, environment: Record<string, string>, signal: AbortSignal) {
  await using opening = new AsyncDisposableStack();
  const start = async (spec: FunctionSpec, exitCode: number): Promise<OpenRerun> => {
    try {
      return opening.use(await openRerun({config, spec, environment, clock: systemClock, signal}));
    } catch (error) {
      if (error instanceof ConfigurationError || !(error instanceof Error)) throw error;
      if (signal.aborted) throw new CommandFailed(exit.failed, 'interrupted before anything was compared');
      throw new CommandFailed(exitCode, `${shown(spec)} does not start: ${error.message}`);
    }
  };
  const processes = {
    baseline: await start(baseline, exit.unavailable),
    twin: await start(baseline, exit.unavailable),
    // Code that cannot be loaded is the gravest change of all.
    candidate: candidate && (await start(candidate, exit.failed)),
  };
  const open = opening.move();
  return {...processes, [Symbol.asyncDispose]: () => open.disposeAsync()};
}

interface Specs {
  readonly config: Config;
  readonly baseline: FunctionSpec;
  readonly candidate: FunctionSpec | undefined;
}

/** The handlers: the one of now, and the one to compare it with. @throws ConfigurationError, CommandFailed */
function specsOf({handler, against}: ReplayWish, env: Environment, boots: Boots): Specs {
  const now = handler === undefined ? (env.SCW_HANDLER_PATH ?? boots.handler) : path.resolve(handler);
  if (now === undefined) throw new CommandFailed(exit.misused, 'expected --handler <file> or SCW_HANDLER_PATH: which code is of now?');
  const config = parseConfig({...env, SCW_HANDLER_PATH: now});
  const baseline = handler === undefined ? resolveFunction(config) : resolveNamed('--handler', config);
  return {config, baseline, candidate: against === undefined ? undefined : resolveCandidate(against, config, baseline)};
}

function resolveCandidate(against: string, config: Config, {handlerPath}: FunctionSpec): FunctionSpec {
  const isOther = path.extname(against) !== '' && path.extname(against) !== path.extname(handlerPath);
  // Of another language: what the settings say of the program that runs it is about the first.
  const own = isOther && {handlerIsBinary: false, runtimeBinary: undefined, runtimeBridge: undefined, language: undefined};
  return resolveNamed('--against', {...config, ...own, handlerPath: against});
}

/** The ids that can be run again; of the last time, those that were recorded with their request. */
async function choose(archive: JournalReader, {which}: ReplayWish, hinder: (each: NotReplayable) => void): Promise<string[]> {
  if ('ids' in which) return [...new Set(which.ids)];
  const accepted = await acceptedSince(archive, systemClock.now() - which.agoMs);
  for (const {id, hasRequest} of accepted) if (!hasRequest) hinder(notReplayable(id, 'facts-only'));
  return sample(
    accepted.filter(({hasRequest}) => hasRequest).map(({id}) => id),
    which.sample,
  );
}

/** As a core gives it to its function. */
function environmentOf(env: Environment): Record<string, string> {
  const {payloadMaxBytes} = parseSettings(triggers.http.settings, env);
  return {...childEnvironment(joinSettings(triggers), env), SCW_PAYLOAD_MAX_SIZE: String(payloadMaxBytes)};
}

function conclude(report: Report, {failOn, which}: ReplayWish, isInterrupted: boolean): void {
  if (isInterrupted) throw new CommandFailed(exit.failed, `interrupted after ${report.compared} invocations`);
  if (failOn.some(aspect => report.changed.has(aspect))) process.exitCode = exit.failed;
  // A test that compared nothing, or not what it was told to, has not passed.
  else if (report.compared === 0) throw new CommandFailed(exit.noJournal, 'nothing could be compared');
  else if ('ids' in which && report.hindered > 0) throw new CommandFailed(exit.noJournal, `${report.hindered} could not be compared`);
}

/** The handler, as a person in this folder would name it. */
function shown({handlerPath}: FunctionSpec): string {
  const folder = `${process.cwd()}/`;
  return handlerPath.startsWith(folder) ? handlerPath.slice(folder.length) : handlerPath;
}

const onlyGiven = ({baseline, candidate}: {baseline: string | undefined; candidate: string | undefined}) => ({
  ...(baseline !== undefined && {baseline}),
  ...(candidate !== undefined && {candidate}),
});
