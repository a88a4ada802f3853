import type {Stage} from '../src/stage.ts';

export interface TriggerParts {
  /** How the protocol wants a body. */
  readonly body?: 'whole' | 'open' | undefined;
}

/** Takes what the trigger delivers, unless a stage before has: here a body is read and counted, after the caller was let in. */
export function trigger({body = 'whole'}: TriggerParts = {}): Stage {
  return async function trigger(ctx, next) {
    const invocation = ctx.state;
    invocation.input ??= await invocation.delivery.input(body);
    await next();
  };
}
