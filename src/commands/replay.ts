import path from 'node:path';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {triggers} from '../../triggers/index.ts';
import {systemClock} from '../clock.ts';
import {command} from '../command/command.ts';
import {CommandFailed, damageOf} from '../command/failure.ts';
import {openProgress} from '../command/progress.ts';
import {printJson} from '../command/terminal.ts';
import {ConfigurationError} from '../errors.ts';
import {type ExitCode, exit} from '../exit.ts';
import {JournalDamaged, type JournalReader} from '../journal.ts';
import {type JournalPlace, nameOf} from '../journals/index.ts';
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
import {openArchive, resolveNamed, untilInterrupted} from './journal-at.ts';
import {findFile} from './journal-choice.ts';
import {colouredReport} from './replay-colours.ts';
import {type Comparison, keepComparisons} from './replay-keep.ts';
import {type ReplayWish, replayArguments, replayOptions, replayWish} from './replay-options.ts';

/**
`core-runtime replay`: a regression test made of traffic. Without `--against` it compares the current code with what
was recorded, else another version of the code with the current code. Exit code 1 when something changed, 66 when nothing
could be compared.
*/
export const replay = command({
  summary: 'Runs recorded invocations again and reports what changed.',
  arguments: replayArguments,
  options: replayOptions,
  examples: {
    'replay --since 1h': 'Compare the current code with what was recorded.',
    'replay --since 1h --against changed.js': 'Compare another version of the code with the current code.',
    'replay 01a20731-45f2-7c3b-a3c2-e0a7b364f376 --json': 'Compare one invocation, for a program.',
  },
  async run(given, env) {
    const wish = replayWish(given);
    const journal = await findFile(wish, env);
    try {
      using archive = await openArchive(journal);
      return await replayFrom(archive, journal, wish, env);
    } catch (error) {
      if (!(error instanceof JournalDamaged)) throw error;
      throw new CommandFailed(exit.noJournal, `${nameOf(journal)}: ${damageOf(error)}`, {cause: error});
    }
  },
});

async function replayFrom(archive: JournalReader, journal: JournalPlace, wish: ReplayWish, env: Environment): Promise<ExitCode> {
  const boots = await Boots.read(archive);
  const specs = specsOf(wish, env, boots);
  const report = new Report({baseline: shown(specs.baseline), candidate: specs.candidate && shown(specs.candidate)});
  const printEach = (line: object) => (wish.isJson ? printJson(line) : undefined);
  const hindered = (each: NotReplayable) => {
    report.addHindered(each);
    printEach(plainHindrance(each));
  };
  const ids = await choose(archive, wish, hindered);
  const comparisons: Comparison[] = [];
  const signal = untilInterrupted();
  if (ids.length > 0) {
    using progress = openProgress({title: 'replay', unit: 'invocations', total: ids.length});
    await using code = await openCode(specs, environmentOf(env), signal);
    const {baseline, candidate} = code;
    // Results come in batches, after all of their runs.
    const runsOfEach = candidate === undefined ? 2 : 3;
    let runs = 0;
    const ran = (count = 1) => {
      runs += count;
      progress.at(Math.floor(runs / runsOfEach));
    };
    const house = {...code, journal: archive, clock: systemClock, signal, redact: specs.config.journalRedact, ran};
    for await (const each of replayInvocations(ids, house)) {
      if (wish.isJson) progress.hide(process.stdout);
      if ('hindrance' in each) {
        ran(runsOfEach);
        hindered(each);
        continue;
      }
      const digests = {baseline: baseline.digest, candidate: candidate?.digest};
      const all = {recorded: boots.of(each.recalled.run)?.codeDigest, ...digests};
      report.add(each, all);
      printEach(plainComparison(each, all));
      comparisons.push({invocationId: each.recalled.id, verdict: each.judgement.verdict, ...onlyGiven(digests)});
    }
  }
  if (!wish.isJson) console.log(colouredReport(report.text()));
  if (comparisons.length > 0) await keepComparisons(comparisons, journal, env);
  return conclude(report, wish, signal.aborted);
}

/** Starts the processes, one after another. @throws CommandFailed when one does not start */
async function openCode({config, baseline, candidate}: Specs, environment: Record<string, string>, signal: AbortSignal) {
  await using opening = new AsyncDisposableStack();
  const start = async (spec: FunctionSpec, exitCode: ExitCode): Promise<OpenRerun> => {
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
    // Code that cannot be loaded counts as a change: the exit code is 1.
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

/** The handlers: the current code, and the version to compare it with. @throws ConfigurationError, CommandFailed */
function specsOf({handler, against}: ReplayWish, env: Environment, boots: Boots): Specs {
  const now = handler === undefined ? (env.SCW_HANDLER_PATH ?? boots.handler) : path.resolve(handler);
  if (now === undefined)
    throw new CommandFailed(exit.misused, 'expected --handler <file> or SCW_HANDLER_PATH: which code is the current one?');
  const config = parseConfig({...env, SCW_HANDLER_PATH: now});
  const baseline = handler === undefined ? resolveFunction(config) : resolveNamed('--handler', config);
  return {config, baseline, candidate: against === undefined ? undefined : resolveCandidate(against, config, baseline)};
}

function resolveCandidate(against: string, config: Config, {handlerPath}: FunctionSpec): FunctionSpec {
  const isOther = path.extname(against) !== '' && path.extname(against) !== path.extname(handlerPath);
  // It is written in another language: the settings of the program that runs the handler are about the first one.
  const own = isOther && {handlerIsBinary: false, runtimeBinary: undefined, runtimeBridge: undefined, language: undefined};
  return resolveNamed('--against', {...config, ...own, handlerPath: against});
}

/** The ids that can be run again; with `--since` only those whose request was recorded. */
async function choose(archive: JournalReader, {which}: ReplayWish, hinder: (each: NotReplayable) => void): Promise<string[]> {
  if ('ids' in which) return [...new Set(which.ids)];
  const accepted = await acceptedSince(archive, systemClock.now() - which.agoMs);
  for (const {id, hasRequest} of accepted) if (!hasRequest) hinder(notReplayable(id, 'facts-only'));
  return sample(
    accepted.filter(({hasRequest}) => hasRequest).map(({id}) => id),
    which.sample,
  );
}

/** The environment that a core gives to its function. */
function environmentOf(env: Environment): Record<string, string> {
  const {payloadMaxBytes} = parseSettings(triggers.http.settings, env);
  return {...childEnvironment(joinSettings(triggers), env), SCW_PAYLOAD_MAX_SIZE: String(payloadMaxBytes)};
}

/** @throws CommandFailed when it was interrupted, or when it compared less than it was asked to */
function conclude(report: Report, {failOn, which}: ReplayWish, isInterrupted: boolean): ExitCode {
  if (isInterrupted) throw new CommandFailed(exit.failed, `interrupted after ${report.compared} invocations`);
  if (failOn.some(aspect => report.changed.has(aspect))) return exit.failed;
  // A test that compared nothing, or not all that it was asked to, has not passed.
  if (report.compared === 0) throw new CommandFailed(exit.noJournal, 'nothing could be compared');
  if ('ids' in which && report.hindered > 0) throw new CommandFailed(exit.noJournal, `${report.hindered} could not be compared`);
  return exit.done;
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
