import type {Clock} from '../src/clock.ts';
import {asFault, Fault, type FaultCode} from '../src/errors.ts';
import type {Fact, FactTypes} from '../src/facts.ts';
import type {Invocation} from '../src/invocation.ts';
import type {Meter} from '../src/meter.ts';
import {parseDuration} from '../src/setting.ts';
import type {Stage} from '../src/stage.ts';
import type {Delivery} from '../src/trigger.ts';
import type {WriteEvent} from './event/write.ts';

/**
Appends to an invocation's stream; resolves when the fact is as durable as the journal makes it.

@param delivery what is written ahead is always kept, and rejects when it cannot be
*/
export type RecordFact = (invocationId: string, fact: Fact, delivery: Pick<Delivery, 'writeAhead'>) => Promise<unknown>;

export interface EventHouse {
  readonly write: WriteEvent;
  readonly record: RecordFact;
  readonly timeoutMs: number;
  readonly meter: Meter;
  readonly clock: Clock;
}

/** Builds the event and writes the first and the last fact of the invocation. */
export function event({write, record, timeoutMs, meter, clock}: EventHouse): Stage {
  return async function event(ctx, next) {
    const invocation = ctx.state;
    const {id, input, principal, delivery} = invocation;
    if (!input) throw new TypeError('Expected the trigger stage to have set the input');
    const limitMs = shortened(timeoutMs, ctx.get('core-timeout'));
    const monotonicMs = invocation.arrived + limitMs;
    const wallMs = Math.round(clock.now() + monotonicMs - clock.monotonic());
    invocation.deadline = {wallMs, monotonicMs, timeoutMs: limitMs};
    invocation.event = write(input, {id, deadlineMs: wallMs, credential: principal?.credential});

    const recorded = record(id, accepted(invocation, input.body.length), delivery);
    if (delivery.writeAhead) await recorded;
    meter.accepted();
    try {
      await next();
      settle(invocation, 'responded', invocation.result?.status ?? 200);
    } catch (error) {
      const {code, status} = asFault(error);
      settle(invocation, outcomes[code] ?? 'failed', status, code);
      throw error;
    }
  };

  function settle(invocation: Invocation, outcome: FactTypes['invocation.settled']['outcome'], status: number, code?: FaultCode) {
    const durationMs = clock.monotonic() - invocation.arrived;
    meter.settled(code);
    const data = code === undefined ? {outcome, status, durationMs} : {outcome, status, code, durationMs};
    // Nobody waits for it, and whoever records has told what went wrong.
    record(invocation.id, {type: 'invocation.settled', data}, invocation.delivery).catch(() => {});
  }
}

/** Faults that end an invocation in another way than by failing. */
const outcomes: {readonly [code in FaultCode]?: 'cancelled' | 'expired'} = {UPSTREAM_TIMEOUT: 'expired', CALLER_LEFT: 'cancelled'};

/** A caller may ask for less time than the settings give, never for more. */
function shortened(timeoutMs: number, asked: string): number {
  if (asked === '') return timeoutMs;
  const askedMs = parseDuration(asked);
  if (askedMs === undefined)
    throw new Fault('REQUEST_MALFORMED', {message: 'Bad request: Core-Timeout is no duration such as 500ms or 2s'});
  return Math.min(timeoutMs, askedMs);
}

function accepted({delivery, span}: Invocation, bytes: number): Fact {
  const traceparent = span?.trace?.traceparent;
  const data = {source: delivery.source, bytes, attempt: delivery.attempt ?? 1};
  return {type: 'invocation.accepted', data: traceparent === undefined ? data : {...data, traceparent}};
}
