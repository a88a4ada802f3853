import type {Clock} from '../src/clock.ts';
import type {Delivery} from '../src/delivery.ts';
import type {Fault} from '../src/errors.ts';
import type {Invocation} from '../src/invocation.ts';
import type {Began, Ended, Observer} from '../src/observation.ts';
import type {Stage} from '../src/stage.ts';

/** Reports every delivery to a person who watches: that it began, and how it ended. Only a core that is watched has this stage. */
export function observe(observer: Observer, clock: Clock): Stage {
  return async function observe(ctx, next) {
    const invocation = ctx.state;
    const {id, delivery, arrived} = invocation;
    const subject = subjectOf(delivery);
    observer({type: 'began', at: clock.now(), id, ...subject});
    await next();
    observer({type: 'ended', at: clock.now(), id, ...subject, ...outcomeOf(invocation), durationMs: clock.monotonic() - arrived});
  };
}

const isOther = true;

function subjectOf(delivery: Delivery): Pick<Began, 'kind' | 'target' | 'isOther'> {
  const subject = delivery.subject();
  switch (subject.trigger) {
    case 'http':
      return {kind: subject.method, target: subject.path};
    case 'timer':
      return {kind: 'cron', target: subject.name, isOther};
    case 'pubsub':
      return {kind: subject.system, target: subject.destination, isOther};
    case 'other':
      return {kind: delivery.source, target: subject.name, isOther};
  }
}

/** The query is known once the input was read; a request that was refused before has none. */
function outcomeOf({input, result}: Invocation): Pick<Ended, 'status' | 'fault' | 'exchange'> & {target?: string} {
  if (!result) return {status: 500}; // the stage behind this one sets a result, whatever happens
  const {status, headers, body, fault} = result;
  const outcome = {status, ...(fault && toldOf(fault))};
  if (input?.shape !== 'request' || input.eventType !== 'http') return outcome;
  const {method, path, query, headers: sent, body: sentBody} = input;
  return {
    ...outcome,
    target: query === '' ? path : `${path}?${query}`,
    exchange: {request: {method, path, query, headers: sent, body: sentBody}, reply: {status, headers, body}},
  };
}

function toldOf({code, message, cause}: Fault): Pick<Ended, 'fault'> {
  if (!(cause instanceof Error)) return {fault: {code, message, ...(typeof cause === 'string' && {cause})}};
  const stack = code === 'INTERNAL' && cause.stack !== undefined && {stack: cause.stack};
  return {fault: {code, message, cause: cause.message, ...stack}};
}
