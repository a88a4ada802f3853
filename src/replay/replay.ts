import type {Clock} from '../clock.ts';
import type {JournalReader} from '../journal.ts';
import {isRedacted, redactor} from '../journals/payload.ts';
import type {Difference, Outcome} from './compare.ts';
import {type Judgement, judge, learnNoise, type Noise} from './judge.ts';
import {type NotReplayable, type Recalled, recall} from './recall.ts';
import type {Rerun} from './rerun.ts';
import {isRedactedPlace, noSecrets, type Secrets} from './secrets.ts';

/** An invocation that was run again. */
export interface Compared {
  readonly recalled: Recalled;
  readonly expected: Outcome;
  readonly actual: Outcome;
  readonly noise: Noise;
  /** The parts of both outcomes that must not be shown. */
  readonly secrets: Secrets;
  readonly judgement: Judgement;
}

export interface ReplayHouse {
  readonly journal: JournalReader;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Two processes with the current code. Where their answers differ, that is noise. */
  readonly baseline: Rerun;
  readonly twin: Rerun;
  /** Another version of the code; without one the baseline is compared with what was recorded. */
  readonly candidate: Rerun | undefined;
  /** CORE_JOURNAL_REDACT. */
  readonly redact: string;
  /** Called after each run of an invocation that is compared: two for each, and three with a candidate. */
  readonly ran?: () => void;
}

/** Outcomes of this many invocations are held at a time, or fewer when their requests and replies have this many bytes. */
const chunkSize = 50;
const chunkBytes = 2 ** 25;
/** Time between the two runs of an event by the baseline, in which a clock of whole seconds moves on. */
const apartMs = 1100;

/**
Runs recorded invocations again, in order and one at a time, and yields the result of each. The candidate runs between both
runs of the baseline, so that whatever changes with time differs between those two.
*/
export async function* replay(ids: readonly string[], house: ReplayHouse): AsyncGenerator<Compared | NotReplayable> {
  const {journal, signal, twin, candidate} = house;
  let chunk: Recalled[] = [];
  let bytes = 0;
  let hasPast = false;
  for (const [index, id] of ids.entries()) {
    if (signal.aborted) return;
    const recalled = await recall(journal, id, candidate === undefined);
    if ('hindrance' in recalled) yield recalled;
    else {
      // A process that has handled more events has other counters: these are noise, too.
      if (!hasPast) await twin.run(recalled);
      hasPast = true;
      chunk.push(recalled);
      bytes += recalled.request.body.length + (recalled.reply?.body?.length ?? 0);
    }
    if (chunk.length < chunkSize && bytes < chunkBytes && index < ids.length - 1) continue;
    yield* compareAll(chunk, house);
    chunk = [];
    bytes = 0;
  }
}

async function* compareAll(
  chunk: readonly Recalled[],
  {baseline, twin, candidate, clock, signal, redact, ran = () => {}}: ReplayHouse,
): AsyncGenerator<Compared> {
  const runs: {recalled: Recalled; outcome: Outcome; at: number; other?: Outcome}[] = [];
  for (const recalled of chunk) {
    if (signal.aborted) return;
    runs.push({recalled, at: clock.monotonic(), outcome: await baseline.run(recalled)});
    ran();
  }
  for (const run of runs) {
    if (signal.aborted) return;
    if (!candidate) continue;
    run.other = await candidate.run(run.recalled);
    ran();
  }
  for (const {recalled, outcome, at, other} of runs) {
    if (!(await clock.sleep(Math.max(0, at + apartMs - clock.monotonic()), signal))) return;
    const repeated = await twin.run(recalled);
    ran();
    if (signal.aborted) return; // an outcome that was broken off says nothing
    const compared = compare(recalled, {outcome, repeated, other}, redact);
    if (compared) yield compared;
  }
}

interface Outcomes {
  readonly outcome: Outcome;
  readonly repeated: Outcome;
  readonly other: Outcome | undefined;
}

function compare(recalled: Recalled, {outcome, repeated, other}: Outcomes, redact: string): Compared | undefined {
  const noise = learnNoise(outcome, repeated);
  const expected = other ? outcome : recalled.reply;
  if (!expected) return undefined;
  const take = redactor([redact, ...(recalled.reply ? redactedNames(recalled.reply) : [])].join(','));
  const shown = (each: Outcome) => (each.headers ? {...each, headers: take(each.headers)} : each);
  const [before, after] = other ? [shown(outcome), shown(other)] : [expected, shown(outcome)];
  // With a candidate, two runs are compared, and neither had the secrets that the recording lacks.
  const secrets = other ? noSecrets : recalled.secrets;
  const isExcused = (difference: Difference) => !other && isRedactedPlace(difference, secrets);
  return {recalled, expected: before, actual: after, noise, secrets, judgement: judge(before, after, {noise, isRedacted: isExcused})};
}

/** Names of the fields that were taken out of a recorded reply, by the settings of that time. */
const redactedNames = ({headers = []}: Outcome) => headers.filter((_, index) => index % 2 === 0 && isRedacted(headers[index + 1] ?? ''));
