import type {InvocationResult} from '../src/delivery.ts';
import type {JournalReader} from '../src/journal.ts';
import type {Stage, StageContext} from '../src/stage.ts';
import {readWish, type Wish, type WishOptions} from '../src/work/wish.ts';
import {type AcceptOptions, accepter} from './work/accept.ts';
import {asker} from './work/ask.ts';

export interface WorkParts
  extends Pick<AcceptOptions, 'hall' | 'redact' | 'functionName' | 'isPublic' | 'longestWaitMs' | 'now'>,
    Omit<WishOptions, 'now'> {
  readonly journal: JournalReader;
}

/** Takes requests whose sender does not wait, or wants no second run, as work; and answers what is asked of work. */
export function work(parts: WorkParts): Stage {
  const {answer, replyOf, isOpen} = asker(parts);
  const accept = accepter({...parts, replyOf, isOpen});

  return function work(ctx, next) {
    const invocation = ctx.state;
    const {delivery} = invocation;
    const subject = delivery.source === 'http' ? delivery.subject() : undefined;
    if (subject?.trigger !== 'http') return next();
    if (subject.path.startsWith('/_core/')) return replyAsked(ctx, subject);
    const wish = readWish(invocation.wishes ?? ctx, subject.path, {...parts, now: parts.now()});
    return wish ? take(ctx, next, wish) : next();
  };

  async function replyAsked(ctx: StageContext, {method, path}: {method: string; path: string}): Promise<void> {
    reply(ctx, await answer(ctx.state, method, path));
  }

  async function take(ctx: StageContext, next: () => Promise<void>, wish: Wish): Promise<void> {
    const invocation = ctx.state;
    const {delivery} = invocation;
    const input = invocation.input ?? (await delivery.input());
    if (input.shape !== 'request') return next();
    invocation.input = input;
    reply(ctx, await accept(invocation, input, wish));
  }
}

/** @param result undefined when the caller has left */
function reply({state: invocation}: StageContext, result: InvocationResult = {status: 499, headers: [], body: ''}): void {
  invocation.delivery.reply(result);
  invocation.result = result;
}
