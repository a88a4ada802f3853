import type {Clock} from '../src/clock.ts';
import {asFault, Fault, type FaultCode} from '../src/errors.ts';
import type {FactTypes} from '../src/facts.ts';
import type {Invocation} from '../src/invocation.ts';
import type {Meter} from '../src/meter.ts';
import type {WriteCall} from '../src/protocol.ts';
import {parseDuration} from '../src/settings/setting.ts';
import type {Stage} from '../src/stage.ts';
import type {KeepInvocation} from './event/keep.ts';
import {requestOf} from './event/request.ts';

export interface EventParts {
  /** Makes what the call sends: by default the platform's event. */
  readonly write: WriteCall;
  readonly keep: KeepInvocation;
  readonly timeoutMs: number;
  readonly meter: Meter;
  readonly clock: Clock;
}

/** Builds the event, or what the protocol has in its place, and writes the first and the last fact of the invocation. */
export function event({write, keep, timeoutMs, meter, clock}: EventParts): Stage {
  return async function event(ctx, next) {
    const invocation = ctx.state;
    const {id, input, principal, delivery} = invocation;
    if (!input) throw new TypeError('Expected the trigger stage to have set the input');
    const request = input.shape === 'request' ? input : requestOf(input);
    const limitMs = shortened(timeoutMs, ctx.get('core-timeout'));
    const monotonicMs = invocation.arrived + limitMs;
    // Rounded up, so that a sub-runtime that ends the call at its deadline does not do so before the core.
    const wallMs = Math.ceil(clock.now() + monotonicMs - clock.monotonic());
    invocation.deadline = {wallMs, monotonicMs, timeoutMs: limitMs};
    invocation.event = write(request, {id, deadlineMs: wallMs, credential: principal?.credential});

    const kept = keep.accepted(invocation, request);
    if (delivery.writeAhead) await kept;
    meter.accepted();
    try {
      await next();
      settle(invocation);
    } catch (error) {
      settle(invocation, asFault(error), ctx.get('accept'));
      throw error;
    }
  };

  function settle(invocation: Invocation, fault?: Fault, accept = '') {
    meter.settled(fault, fault?.code === 'CALLER_LEFT' && invocation.delivery.goesOn?.() === true);
    if (fault && !fault.reached && invocation.delivery.defers?.()) return keep.deferred(invocation, fault.code);
    const data: FactTypes['invocation.settled'] = {
      outcome: fault ? outcomeOf(fault.code) : 'responded',
      status: fault && invocation.streamedBytes === undefined ? fault.status : (invocation.result?.status ?? 200),
      ...(fault && {code: fault.code}),
      durationMs: toMicroseconds(clock.monotonic() - invocation.arrived),
    };
    addTimes(data, invocation);
    keep.settled(invocation, data, fault, accept);
  }
}

/** Where the time went, as far as the invocation came. */
function addTimes(
  data: FactTypes['invocation.settled'],
  {input, arrived, waitedMs, cold, calledAt, answeredAt, streamedBytes}: Invocation,
): void {
  if (waitedMs !== undefined) data.waitedMs = toMicroseconds(waitedMs);
  if (cold) data.cold = true;
  if (streamedBytes !== undefined) data.streamedBytes = streamedBytes;
  const receivedBytes = input?.shape === 'request' ? (input.open?.body ?? input.open?.upgrade?.body)?.passedBytes : undefined;
  if (receivedBytes !== undefined) data.receivedBytes = receivedBytes;
  if (calledAt === undefined || answeredAt === undefined) return;
  data.calledAtMs = toMicroseconds(calledAt - arrived);
  data.calledMs = toMicroseconds(answeredAt - calledAt);
}

const toMicroseconds = (ms: number) => Math.round(ms * 1000) / 1000;

function outcomeOf(code: FaultCode): 'failed' | 'cancelled' | 'expired' {
  if (code === 'UPSTREAM_TIMEOUT') return 'expired';
  return code === 'CALLER_LEFT' ? 'cancelled' : 'failed';
}

/** A caller can ask for less time than the settings give, never for more. */
function shortened(timeoutMs: number, asked: string): number {
  if (asked === '') return timeoutMs;
  const askedMs = parseDuration(asked);
  if (askedMs === undefined)
    throw new Fault('REQUEST_MALFORMED', {message: 'Bad request: Core-Timeout is not a duration such as 500ms or 2s'});
  return Math.min(timeoutMs, askedMs);
}
