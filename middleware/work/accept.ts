import type {InvocationResult, RequestInput} from '../../src/delivery.ts';
import {Fault} from '../../src/errors.ts';
import type {Fact} from '../../src/facts.ts';
import type {Invocation} from '../../src/invocation.ts';
import type {Durability} from '../../src/journal.ts';
import type {Redact} from '../../src/journals/payload.ts';
import {fingerprintOf, ownerOf, scopeOf} from '../../src/work/fingerprint.ts';
import {mostWaiters, type WorkHall} from '../../src/work/hall.ts';
import {type StoredRequest, storedPayloads} from '../../src/work/stored.ts';
import type {Wish} from '../../src/work/wish.ts';
import type {Enqueued, IdempotencyKey, WorkItem} from '../../src/work.ts';
import {acceptedReply} from './replies.ts';

export interface AcceptOptions {
  readonly hall: WorkHall;
  readonly redact: Redact;
  readonly functionName: string;
  /** True: callers are not told apart. */
  readonly isPublic: boolean;
  /** How long a sender without `respond-async` waits, in milliseconds; then there is a receipt. */
  readonly longestWaitMs: number;
  /** Wall time. */
  readonly now: () => number;
  /** The recorded reply of an invocation that is over. @throws Fault when there is none */
  readonly replyOf: (id: string) => Promise<InvocationResult>;
  /** True for work that is not over. */
  readonly isOpen: (id: string) => Promise<boolean>;
}

/** How long an idempotency key is kept. */
const keyMs = 24 * 3_600_000;

/** Takes a request as work. @returns the answer to its sender: a receipt, or the reply when the sender waited for it */
export function accepter(options: AcceptOptions) {
  const {hall, redact, functionName, isPublic, longestWaitMs, now, replyOf, isOpen} = options;

  return async function accept(invocation: Invocation, input: RequestInput, wish: Wish): Promise<InvocationResult | undefined> {
    const {id, delivery} = invocation;
    // Accepted work runs after the next start; a sender who waits for the reply can try elsewhere.
    if (!wish.isAsync && hall.runner?.isClosing) throw draining();
    if (wish.isAsync && !hall.isKept()) throw notKept(hall.durability);
    const stored = {request: requestOf(invocation, input, wish), subject: invocation.principal?.subject ?? ''};
    const caller = isPublic ? undefined : stored.subject;
    const key = keyOf(wish, caller, stored);
    const enqueued = await send(invocation, stored, key, wish, caller);
    const isKnown = enqueued.kind === 'known';
    if (isKnown && enqueued.fingerprint !== key?.fingerprint) throw new Fault('IDEMPOTENCY_MISMATCH');
    const workId = isKnown ? enqueued.id : id;
    const waitMs = wish.isAsync ? wish.waitMs : longestWaitMs;
    const mayWait = hall.waiters < mostWaiters || (enqueued.kind === 'accepted' && enqueued.claimed !== undefined);
    const over = waitMs > 0 && mayWait ? hall.end(workId, waitMs, delivery.signal) : undefined;
    if (!isKnown) begin(enqueued, stored, wish.due);
    if (!isKnown && enqueued.claimed) input.holder?.handedOver?.();
    // It came while the stop began, and nobody would end the wait.
    if (hall.runner?.isClosing && (isKnown || !enqueued.claimed)) hall.dismiss(each => each === workId);
    if (waitMs > 0 && isKnown && !(await isOpen(workId))) return replayed(await replyOf(workId));
    if (!over) return receipt(workId, waitMs > 0 ? {...wish, applied: wish.applied && 'respond-async'} : wish, enqueued);
    const end = await over;
    if (!end) return delivery.signal.aborted ? undefined : unfinished(workId, wish, enqueued);
    const result = end.result ?? (await replyOf(workId));
    return isKnown ? replayed(result) : result;
  };

  /** Its sender waits no longer: the time is over, or the core ends first. */
  function unfinished(id: string, wish: Wish, enqueued: Enqueued): InvocationResult {
    if (!wish.isAsync && hall.runner?.isClosing) throw draining();
    return receipt(id, wish, enqueued);
  }

  /** Its attempts may come hours later, so their spans link to one that says when it was sent. @throws Fault WORK_FULL */
  async function send(
    {id, span: around}: Invocation,
    stored: StoredRequest,
    key: IdempotencyKey | undefined,
    wish: Wish,
    caller: string | undefined,
  ): Promise<Exclude<Enqueued, {kind: 'full'}>> {
    const span = around?.sends('work', stored.request.body.length);
    const item = itemOf(id, span?.trace?.traceparent, wish, caller);
    const enqueued = await enqueue(item, stored, key, wish).catch((error: Error) => {
      span?.failed(error);
      hall.runner?.wake(); // it may be kept in spite of the error, and then it is due
      throw error;
    });
    if (enqueued.kind === 'full') {
      const full = new Fault('WORK_FULL', {retryAfterS: 1});
      span?.failed(full);
      throw full;
    }
    if (enqueued.kind === 'accepted') span?.sent();
    return enqueued;
  }

  function itemOf(id: string, traceparent: string | undefined, wish: Wish, caller: string | undefined): WorkItem {
    const {due = now(), expires, orderingKey, callback, isAsync} = wish;
    const owner = caller === undefined ? undefined : ownerOf(caller);
    return {id, acceptedAt: now(), due, expires, orderingKey, callback, traceparent, owner, mostAttempts: isAsync ? undefined : 1};
  }

  function keyOf({idempotencyKey}: Wish, caller: string | undefined, {request}: StoredRequest): IdempotencyKey | undefined {
    if (idempotencyKey === undefined) return undefined;
    return {scope: scopeOf(functionName, caller, idempotencyKey), fingerprint: fingerprintOf(request), until: now() + keyMs};
  }

  function enqueue(item: WorkItem, stored: StoredRequest, key: IdempotencyKey | undefined, wish: Wish): Promise<Enqueued> {
    const {id, traceparent, owner} = item;
    const payloads = storedPayloads(id, stored, redact);
    const bytes = stored.request.body.length;
    const data = {source: 'work', bytes, attempt: 1, ...(traceparent !== undefined && {traceparent}), dataref: `invocation.${id}/request`};
    const accepted: Fact = {type: 'invocation.accepted', data: {...data, ...(owner !== undefined && {owner})}};
    const isNow = item.due <= now() && item.orderingKey === undefined;
    // A sender who waits is served before work that nobody waits for. One who takes a receipt instead waits out a pause as well.
    const waits = wish.isAsync ? wish.waitMs > 0 && !hall.runner?.isPaused : true;
    const claims = isNow && waits && hall.runner?.isClosing === false;
    const kept = payloads.length === 1 ? ({...item, isBare: true} as const) : item;
    return hall.store.enqueue(kept, {facts: [accepted], payloads, key, claims, most: hall.most});
  }

  function begin(enqueued: Extract<Enqueued, {kind: 'accepted'}>, stored: StoredRequest, due = 0): void {
    if (enqueued.claimed && hall.runner) hall.runner.run(enqueued.claimed, stored);
    else hall.runner?.wake(due > now() ? due : undefined);
  }

  function receipt(id: string, {applied}: Wish, enqueued: Enqueued): InvocationResult {
    const durability = enqueued.kind === 'accepted' ? enqueued.receipt.durability : hall.durability;
    return acceptedReply(id, {applied, durability, isReplay: enqueued.kind === 'known'});
  }
}

/** A journal in memory keeps nothing; one on a disk keeps nothing for now. */
const notKept = (durability: Durability) =>
  durability === 'buffered' || durability === 'process'
    ? new Fault('WORK_NOT_KEPT', {retryAfterS: 60})
    : new Fault('JOURNAL_FAILED', {retryAfterS: 1});

const draining = () => new Fault('DRAINING', {retryAfterS: 1});

/** As the function will see it: without the credential that let the caller in. */
function requestOf({principal}: Invocation, input: RequestInput, {path}: Wish): StoredRequest['request'] {
  const {holder: _, ...request} = input;
  const credential = principal?.credential;
  const headers = input.headers.filter((_, at) => input.headers[at - (at % 2)]?.toLowerCase() !== credential);
  return {...request, headers, ...(path !== undefined && {path})};
}

const replayed = (result: InvocationResult): InvocationResult => ({
  ...result,
  headers: [...result.headers, 'Idempotency-Replayed', 'true'],
});
