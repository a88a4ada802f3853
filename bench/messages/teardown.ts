import type {ExecutionContext} from 'ava';

/** A stack as the helpers of the tests want it, which start servers for a test. */
export const asTest = (stack: AsyncDisposableStack): ExecutionContext =>
  ({
    teardown: (undo: () => Promise<void>) => stack.defer(undo),
  }) as unknown as ExecutionContext; // they use nothing else of it
