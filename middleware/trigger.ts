import type {Input} from '../src/delivery.ts';
import type {Invocation} from '../src/invocation.ts';
import type {Stage} from '../src/stage.ts';

export interface TriggerParts {
  /** How the protocol wants a body. */
  readonly body?: 'whole' | 'open' | undefined;
}

/** Takes what the trigger delivers, unless a stage before has: here a body is read and counted, after the caller was let in. */
export function trigger({body = 'whole'}: TriggerParts = {}): Stage {
  return function trigger(ctx, next) {
    const invocation = ctx.state;
    const input = invocation.input ?? invocation.delivery.input(body);
    if (input instanceof Promise) return input.then(taken => take(invocation, taken, next));
    return take(invocation, input, next);
  };
}

function take(invocation: Invocation, input: Input, next: () => Promise<void>): Promise<void> {
  invocation.input = input;
  return next();
}
