import type {CallerSignal} from '../src/caller-signal.ts';
import type {Clock} from '../src/clock.ts';
import type {Delivery} from '../src/delivery.ts';
import {Fault} from '../src/errors.ts';
import type {Invocation} from '../src/invocation.ts';
import type {Meter} from '../src/meter.ts';
import {NotSent, type RuntimeReply, type Runtimes} from '../src/runtime.ts';
import type {Stage} from '../src/stage.ts';
import type {StreamLimits} from '../src/streamed-body.ts';

/** How often a call is tried when the sub-runtime's port refuses it. A call that was refused did not run. */
const mostAttempts = 3;

export interface InvokeParts {
  readonly runtimes: Runtimes;
  readonly meter: Meter;
  readonly clock: Clock;
  /** What happens to a call whose caller leaves: it runs on, or is broken off. */
  readonly cancel: 'finish' | 'abort';
  /** Longest time from accepting an event to its reply. */
  readonly timeoutMs: number;
  /** Longest time without a piece of a streamed reply, and from accepting its event to its last piece: by default `timeoutMs`. */
  readonly streamIdleMs: number;
  readonly streamTimeoutMs: number | undefined;
}

/** Leases a sub-runtime and calls the function, at most once. */
export function invoke(parts: InvokeParts): Stage {
  const {meter, cancel} = parts;
  const limits: StreamLimits = {idleMs: parts.streamIdleMs, timeoutMs: parts.streamTimeoutMs ?? parts.timeoutMs};
  return async function invoke(ctx, next) {
    const invocation = ctx.state;
    meter.inFlight(1);
    try {
      const {delivery, input} = invocation;
      const streams = delivery.streams && input?.reply === 'http' ? limits : undefined;
      invocation.reply = await callFunction(invocation, parts, signalOf(delivery), streams);
      if (invocation.reply.stream) return await next(); // in flight until it has ended
    } finally {
      meter.inFlight(-1);
    }
    await next();
  };

  /** The signal is read only where it is used: watching whether each caller leaves costs a tenth of the throughput. */
  function signalOf(delivery: Delivery): CallerSignal | undefined {
    if (delivery.breaksOff) return delivery.callerSignal ?? delivery.signal;
    return cancel === 'abort' ? delivery.signal : undefined;
  }
}

async function callFunction(
  invocation: Invocation,
  {runtimes, meter, clock}: InvokeParts,
  signal: CallerSignal | undefined,
  streams: StreamLimits | undefined,
): Promise<RuntimeReply> {
  const {id, delivery, event, deadline, span} = invocation;
  if (!event || !deadline || !span) throw new TypeError('Expected the event to be written before the function is called');
  for (let attempt = 0; ; attempt++) {
    const lease = await runtimes.lease(deadline, signal);
    if (lease.cold) meter.coldStarted();
    if (lease.waitedMs > 0) {
      span.waited(lease);
      invocation.waitedMs = lease.waitedMs;
      invocation.cold = lease.cold;
    }
    if (lease.pid !== undefined) invocation.pid = lease.pid;
    delivery.called?.();
    const call = span.call(attempt, lease.address);
    invocation.calledAt = clock.monotonic();
    try {
      const reply = await lease.send({
        invocationId: id,
        event,
        deadlineMs: deadline.wallMs,
        deadline: deadline.monotonicMs,
        timeoutMs: deadline.timeoutMs,
        signal,
        isSignalShared: delivery.sharesSignal,
        trace: call.trace,
        eventHold: invocation.input?.holder?.eventHold,
        replyHold: invocation.input?.holder?.replyHold,
        streams,
      });
      call.answered(reply.status);
      return reply;
    } catch (error) {
      call.failed(error as Error); // send rejects with Fault or NotSent only
      if (!(error instanceof NotSent)) throw error;
      if (attempt + 1 >= mostAttempts) throw notReached(error);
    } finally {
      invocation.answeredAt = clock.monotonic();
    }
  }
}

/** The function did not run, so the caller may try again: soon the process is replaced, or the host has what it lacks now. */
function notReached(cause: NotSent): Fault {
  if (!cause.byHost) return new Fault('POOL_NOT_READY', {cause, message: 'The sub-runtime refuses connections', retryAfterS: 1});
  return new Fault('POOL_BUSY', {cause, message: 'The host has nothing left for a call: too many descriptors are open', retryAfterS: 1});
}
