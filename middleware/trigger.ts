import type {Stage} from '../src/stage.ts';

/** Takes what the trigger delivers: here a body is read and counted, after the caller was let in. */
export function trigger(): Stage {
  return async function trigger(ctx, next) {
    const invocation = ctx.state;
    invocation.input = await invocation.delivery.input();
    await next();
  };
}
