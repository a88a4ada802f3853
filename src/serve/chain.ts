import {auth, authPublic, type KeySource, verifier} from '../../middleware/auth.ts';
import {keepInvocations} from '../../middleware/event/keep.ts';
import {type EventOptions, eventWriter} from '../../middleware/event/write.ts';
import {event} from '../../middleware/event.ts';
import {chain, deliverThrough, pipeline} from '../../middleware/index.ts';
import {invoke} from '../../middleware/invoke.ts';
import {fixedKey, rsaPublicKey} from '../../middleware/keys.ts';
import {respond} from '../../middleware/respond.ts';
import {scrape} from '../../middleware/scrape.ts';
import {trace} from '../../middleware/trace.ts';
import {trigger} from '../../middleware/trigger.ts';
import type {Clock} from '../clock.ts';
import {ConfigurationError} from '../errors.ts';
import type {Journal} from '../journal.ts';
import {redactor} from '../journals/payload.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {Metrics} from '../observe/metrics/metrics.ts';
import {passingSpans, type Spans} from '../observe/traces/spans.ts';
import type {FunctionSpec, Runtimes} from '../runtime.ts';
import type {Config} from '../settings/config.ts';
import type {Environment} from '../settings/setting.ts';
import type {Stage} from '../stage.ts';
import type {House} from '../trigger.ts';

/** What the stages are made from. */
export interface Parts {
  readonly config: Config;
  readonly spec: FunctionSpec;
  readonly runtimes: Runtimes;
  readonly journal: Journal;
  readonly keys: KeySource;
  readonly spans: Spans;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
}

/** Builds the six stages and the short chain of the public metrics, both behind the same authentication. */
export function composeStages({
  config,
  spec,
  runtimes,
  journal,
  keys,
  spans,
  metrics,
  log,
  clock,
}: Parts): Pick<House, 'deliver' | 'scrape'> {
  const {meter} = metrics;
  const guard = config.isPublic ? authPublic() : auth(verifier(keys, config, clock));
  const write = eventWriter(eventOptions(config, spec));
  const stages = {
    trace: trace({spans, meter, log, clock}),
    auth: guard,
    trigger: trigger(),
    event: event({
      write,
      keep: keepInvocations({journal, mode: config.journalHttp, redact: redactor(config.journalRedact), log}),
      timeoutMs: config.timeoutMs,
      meter,
      clock,
    }),
    invoke: invoke({runtimes, meter, cancel: config.cancel}),
    respond: respond({maxBytes: config.responseMaxBytes}),
  };
  return {
    deliver: deliverThrough(pipeline(stages), clock),
    scrape: deliverThrough(chain([traceScrape(), guard, scrape(metrics.scrape)]), clock),
  };

  /** A scrape is no invocation: it has no span and is not counted as one. */
  function traceScrape(): Stage {
    return trace({spans: passingSpans, meter: {...meter, invocationEnded() {}}, log, clock});
  }
}

/** What every event of a function says of it, in a replay too. */
export function eventOptions(
  {applicationName: functionName, applicationVersion: functionVersion, applicationMemory: memoryMb, base64}: Config,
  {handlerPath, handlerName}: FunctionSpec,
): EventOptions {
  return {functionName, functionVersion, memoryMb, handlerPath, handlerName, base64};
}

export interface KeysHouse {
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Says what is doubtful about the settings. */
  warn(doubt: string): void;
}

/**
Where the keys come from that verify callers; a public function needs none and its key is not even read.

@throws ConfigurationError for a key that is no usable RSA public key
*/
export async function openKeys({isPublic, publicKey, jwksUrl, jwksMaxAgeMs}: Config, house: KeysHouse): Promise<KeySource> {
  if (isPublic) return fixedKey(undefined);
  const fixed = publicKey === undefined ? undefined : readKey(publicKey);
  if (jwksUrl === undefined) {
    if (!fixed) house.warn('The function is private, but SCW_PUBLIC_KEY is not set: every call with a token gets 500');
    return fixedKey(fixed);
  }
  const {openKeySet} = await import('../http/key-set/key-set.ts');
  return openKeySet({url: jwksUrl, fallback: fixed, maxAgeMs: jwksMaxAgeMs, ...house});
}

/** @throws ConfigurationError without the key in it */
export function readKey(pem: string) {
  try {
    return rsaPublicKey(pem);
  } catch (error) {
    throw new ConfigurationError([`SCW_PUBLIC_KEY: ${(error as Error).message}`]); // it throws TypeError only
  }
}
