import type {Clock} from '../clock.ts';
import type {JournalReader} from '../journal.ts';
import {Boots} from '../projections/boots.ts';
import {Refusal} from '../route.ts';
import type {FunctionSpec} from '../runtime.ts';
import type {Config} from '../settings/config.ts';
import {plainComparison, plainHindrance} from './plain.ts';
import {recall} from './recall.ts';
import {replay} from './replay.ts';
import {openRerun} from './rerun.ts';

export interface OnceHouse {
  readonly config: Config;
  readonly spec: FunctionSpec;
  /** What the user's environment gives the function. */
  readonly environment: Readonly<Record<string, string>>;
  readonly journal: JournalReader;
  readonly clock: Clock;
}

/**
Runs one recorded invocation in the present code, beside the core that serves, and compares the outcome with what was recorded.

@param signal breaks it off
@returns plain JSON: the comparison, or why there can be none
@throws Refusal CONFLICT when the present code does not start
*/
export async function replayOnce(id: string, {config, spec, environment, journal, clock}: OnceHouse, signal: AbortSignal): Promise<object> {
  const recalled = await recall(journal, id, true);
  if ('hindrance' in recalled) return plainHindrance(recalled);
  await using opening = new AsyncDisposableStack();
  const start = async () => {
    try {
      return opening.use(await openRerun({config, spec, environment, clock, signal}));
    } catch (error) {
      throw new Refusal('CONFLICT', `the current code does not start: ${error instanceof Error ? error.message : error}`, {});
    }
  };
  const baseline = await start();
  const house = {journal, clock, signal, baseline, twin: await start(), candidate: undefined, redact: config.journalRedact};
  for await (const each of replay([id], house)) {
    if ('hindrance' in each) return plainHindrance(each);
    const recorded = (await Boots.read(journal)).of(each.recalled.run)?.codeDigest;
    return plainComparison(each, {recorded, baseline: baseline.digest, candidate: undefined});
  }
  throw new Refusal('CONFLICT', 'the replay was broken off');
}
