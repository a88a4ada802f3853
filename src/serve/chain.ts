import {auth, authPublic, type KeySource, verifier} from '../../middleware/auth.ts';
import {cloudEvents} from '../../middleware/cloud-events.ts';
import {type KeepLines, keepInvocations} from '../../middleware/event/keep.ts';
import {type EventOptions, eventWriter} from '../../middleware/event/write.ts';
import {chain, deliverThrough, pipeline} from '../../middleware/index.ts';
import {observe} from '../../middleware/observe.ts';
import {scrape} from '../../middleware/scrape.ts';
import {trace} from '../../middleware/trace.ts';
import type {Clock} from '../clock.ts';
import type {Carrier, Delivery} from '../delivery.ts';
import type {JournalWriter} from '../journal.ts';
import {redactor} from '../journals/payload.ts';
import type {Budget} from '../limits/budget.ts';
import type {Log} from '../log.ts';
import type {Observer} from '../observation.ts';
import type {Metrics} from '../observe/metrics/metrics.ts';
import {passingSpans, type Spans} from '../observe/traces/spans.ts';
import type {Protocol} from '../protocol.ts';
import type {FunctionSpec, Runtimes} from '../runtime.ts';
import type {Config} from '../settings/config.ts';
import type {Stage} from '../stage.ts';
import type {House} from '../trigger.ts';

/** What a core gives to its stages. */
export interface ChainHouse {
  readonly config: Config;
  readonly protocol: Protocol;
  readonly spec: FunctionSpec;
  readonly runtimes: Runtimes;
  readonly journal: JournalWriter;
  readonly keys: KeySource;
  readonly spans: Spans;
  readonly budget: Budget;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  readonly observer?: Observer | undefined;
  readonly lines: KeepLines;
  /** The stage that takes requests as work, when this is on. */
  readonly work?: Stage | undefined;
  /** This boot, where other cores write the same journal. */
  readonly namedAs?: string | undefined;
}

/** Makes the chain of the function and the short one of the public metrics, both behind the same authentication. */
export function composeStages(house: ChainHouse): Pick<House, 'deliver' | 'scrape'> {
  const {config, protocol, spec, runtimes, journal, keys, spans, budget, metrics, log, clock, observer, lines, work, namedAs} = house;
  const {meter} = metrics;
  const guard = config.isPublic ? authPublic() : auth(verifier(keys, config, clock));
  const write = protocol.write ?? eventWriter(eventOptions(config, spec));
  const keep = keepInvocations({journal, mode: config.journalHttp, redact: redactor(config.journalRedact), log, lines, core: namedAs});
  // A scrape is not an invocation: it has no span, and is not counted.
  const traceScrape = trace({spans: passingSpans, meter: {...meter, invocationEnded() {}}, log, clock});
  const again = (delivery: Delivery, carrier: Carrier) => deliver(delivery, carrier);
  const unpack =
    config.cloudEvents === 'on' ? cloudEvents({budget, clock, meter, takesWork: work !== undefined, deliver: again}) : undefined;
  const stages = pipeline({...config, spans, meter, log, clock, guard, unpack, work, body: protocol.body, write, keep, runtimes});
  const deliver = deliverThrough(observer ? chain([observe(observer, clock), stages]) : stages, clock);
  return {
    deliver,
    scrape: deliverThrough(chain([traceScrape, guard, scrape(metrics.scrape)]), clock),
  };
}

/** What every event says about its function, in a replay too. */
export function eventOptions(
  {applicationName: functionName, applicationVersion: functionVersion, applicationMemory: memoryMb, base64}: Config,
  {handlerPath, handlerName}: FunctionSpec,
): EventOptions {
  return {functionName, functionVersion, memoryMb, handlerPath, handlerName, base64};
}
