import {work as workStage} from '../../middleware/work.ts';
import {triggers} from '../../triggers/index.ts';
import {ConfigurationError} from '../errors.ts';
import type {CoreJournal} from '../journals/open.ts';
import {redactor} from '../journals/payload.ts';
import type {Spans} from '../observe/traces/spans.ts';
import {parseSettings} from '../settings/setting.ts';
import type {Stage} from '../stage.ts';
import {readCallbackSecret} from '../work/callback-secret.ts';
import {WorkHall} from '../work/hall.ts';
import {keepsWork} from '../work.ts';
import type {Core} from './core.ts';

/** A call that took all of its time is kept before its sender gets the reply. */
const settleMs = 5000;

/** After so many attempts in a row that ended with their process, work is buried. */
const mostDeaths = 3;

/** Where work meets, and the stage that takes it. @returns nothing when CORE_WORK is off, or the journal keeps none */
export async function openWork(
  {wanted: {env, config}, clock, log}: Core,
  opened: CoreJournal,
  spans: Spans,
): Promise<{hall?: WorkHall; work?: Stage}> {
  const {
    work,
    workMost: most,
    workAttempts: attempts,
    workCompat: compat,
    callbackHosts: hosts,
    callbackKeys: secret,
  } = parseSettings(triggers.work.settings, env);
  const {journal} = opened;
  if (work === 'off' || !keepsWork(journal)) return {};
  const keys = hosts && keysOf(secret);
  // Its client is costly to load.
  const {Callbacks} = hosts ? await import('../work/callback/callbacks.ts') : {};
  const poster = Callbacks && hosts && keys ? new Callbacks({hosts, keys, clock, log, spans}) : undefined;
  const hall = new WorkHall(
    journal.work,
    {
      limits: {attempts, deaths: mostDeaths},
      most,
      get durability() {
        return opened.can.durability;
      },
      isKept: () => opened.isDurable,
      poster,
    },
    clock,
  );
  const stage = workStage({
    hall,
    journal,
    redact: redactor(config.journalRedact),
    functionName: config.applicationName,
    isPublic: config.isPublic,
    longestWaitMs: config.timeoutMs + settleMs,
    now: () => clock.now(),
    compat,
    callbackHosts: hosts,
  });
  return {hall, work: stage};
}

/** @throws ConfigurationError without any of the text */
function keysOf(secret: string | undefined): readonly Buffer[] {
  if (secret === undefined) throw new ConfigurationError(['CORE_CALLBACK_SECRET: expected a key, as CORE_CALLBACK_HOSTS names hosts']);
  try {
    return readCallbackSecret(secret);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(error.problems.map(problem => `CORE_CALLBACK_SECRET: ${problem}`));
  }
}
