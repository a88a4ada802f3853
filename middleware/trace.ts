import type {Clock} from '../src/clock.ts';
import {asFault, type Fault} from '../src/errors.ts';
import {faultResult} from '../src/http/answer.ts';
import {LimitedLog} from '../src/limits/limited-log.ts';
import type {Log} from '../src/log.ts';
import type {Meter} from '../src/meter.ts';
import type {Spans} from '../src/observe/traces/spans.ts';
import type {Stage} from '../src/stage.ts';

export interface TraceParts {
  readonly spans: Spans;
  readonly meter: Meter;
  readonly log: Log;
  readonly clock: Clock;
}

/** Opens the span of the invocation, and makes a reply of every error of the stages behind it. */
export function trace({spans, meter, log, clock}: TraceParts): Stage {
  const limited = new LimitedLog(log, clock);
  return async function trace(ctx, next) {
    const invocation = ctx.state;
    const {id, delivery} = invocation;
    const span = spans.invocation(id, delivery);
    invocation.span = span;
    delivery.exemplar = span.exemplar;
    let result = invocation.result;
    try {
      await next();
      result = invocation.result;
      if (!result) throw new Error('No stage set a result');
    } catch (error) {
      const fault = asFault(error);
      result = invocation.result ?? faultResult(fault, id, ctx.get('accept'));
      if (!invocation.result) delivery.reply(result); // what fails after the reply is only logged
      invocation.result = result;
      meter.faulted(fault.code);
      if (fault.status >= 500) report(fault, id, span.traceId, limited);
      else if (fault.cause !== undefined && (fault.status === 401 || fault.status === 403)) reportRefusal(fault, id, log);
    }
    const outcome = result.fault ? 'error' : 'ok';
    const elapsed = (clock.monotonic() - invocation.arrived) / 1000;
    meter.invocationEnded(invocation.input?.eventType ?? 'none', outcome, elapsed, span.exemplar);
    span.ended(result);
  };
}

function report(fault: Fault, invocationId: string, traceId: string | undefined, log: LimitedLog): void {
  const fields = {invocationId, traceId, code: fault.code, cause: fault.cause};
  if (fault.code === 'INTERNAL') log.write('error', fault.code, {...fields, stack: stackOf(fault.cause)}, fault.message);
  else log.write('warn', fault.code, {...fields, cause: messageOf(fault.cause)}, fault.message);
}

/** Logs why a caller was not let in, without the token. */
function reportRefusal({code, cause, message}: Fault, invocationId: string, log: Log): void {
  log.debug({invocationId, code, cause: messageOf(cause) ?? cause}, message);
}

const stackOf = (cause: unknown) => (cause instanceof Error ? cause.stack : undefined);
const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : undefined);
