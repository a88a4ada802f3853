import {setMaxListeners} from 'node:events';
import type {Clock} from '../../clock.ts';
import type {InvocationResult} from '../../delivery.ts';
import {fieldOf} from '../../http/field.ts';
import type {Log} from '../../log.ts';
import {passingSpans, type Spans} from '../../observe/traces/spans.ts';
import {type CallbackHosts, refuseCallback} from '../callback-hosts.ts';
import {waitAfter} from '../retry.ts';
import {Slots} from '../slots.ts';
import {AddressRefused, type IsAllowed, isPublic, type Resolve} from './addresses.ts';
import {NoAnswer, type Post, type Posted, poster} from './post.ts';
import {signedFields} from './sign.ts';
import {leaveMs, SilentHosts} from './silent-hosts.ts';

export interface CallbackItem {
  /** Of the invocation. */
  readonly id: string;
  readonly callback: string;
  /** What `webhook-id` says; by default the id. Another one for another end of the same invocation, as after it was sent again. */
  readonly webhookId?: string;
  /** The trace of the sender of the invocation. */
  readonly traceparent?: string | undefined;
}

/** The reply that is posted. */
export type CallbackReply = Pick<InvocationResult, 'status' | 'headers' | 'body'>;

export interface CallbackOptions {
  readonly hosts: CallbackHosts;
  /** Each signs. */
  readonly keys: readonly Buffer[];
  readonly clock: Clock;
  readonly log: Log;
  /** Posts that are on their way at a time. */
  readonly atOnce?: number;
  readonly random?: () => number;
  /** By default no try has a span. */
  readonly spans?: Pick<Spans, 'post'>;
  /** Which addresses a host may have; by default public ones. */
  readonly isAllowed?: IsAllowed;
  /** Finds the addresses of a host; by default as the system does. */
  readonly resolve?: Resolve;
}

/** How a try ended. */
export type Tried =
  | {readonly kind: 'delivered'}
  | {readonly kind: 'retry'; readonly afterMs: number; readonly cause: string}
  | {readonly kind: 'failed'; readonly cause: string}
  /** The core ends: nothing is known about the receiver. */
  | {readonly kind: 'stopped'};

const mostTries = 8;
/** The receiver does not want any more of these (RFC 9110 §15.5.11). */
const gone = 410;

/** Posts replies to where their senders asked for them, signed as Standard Webhooks. Any 2xx is a receipt. */
export class Callbacks implements AsyncDisposable {
  readonly #options: CallbackOptions;
  readonly #post: Post;
  readonly #slots: Slots;
  readonly #silent: SilentHosts;
  readonly #closing = new AbortController();
  readonly #posts = new Set<Promise<unknown>>();

  constructor(options: CallbackOptions) {
    this.#options = options;
    const {clock, isAllowed = isPublic, resolve, atOnce = 16} = options;
    this.#post = poster({clock, isAllowed, resolve});
    this.#slots = new Slots(atOnce);
    this.#silent = new SilentHosts(clock);
    setMaxListeners(0, this.#closing.signal); // every delivery that waits listens
  }

  /**
  Posts a reply until it is received, up to 8 times. Never rejects unless `read` does.

  @param read gives the reply, for each try, so that one that waits holds no body; undefined when it is not kept any more
  @returns stopped: the core ended first, so it is to be delivered again after the next start
  */
  async deliver(item: CallbackItem, read: () => Promise<CallbackReply | undefined>): Promise<'delivered' | 'failed' | 'stopped'> {
    const {clock} = this.#options;
    for (let number = 1; ; number++) {
      const tried = await this.attempt(item, read, number);
      if (tried.kind !== 'retry') return tried.kind;
      if (!(await clock.sleep(tried.afterMs, this.#closing.signal))) return 'stopped';
    }
  }

  /**
  Tries once, for callers that keep the wait between two tries themselves.

  @param number which try it is, from 1
  */
  async attempt(item: CallbackItem, read: () => Promise<CallbackReply | undefined>, number: number): Promise<Tried> {
    const {signal} = this.#closing;
    if (!(await this.#slots.enter(signal))) return {kind: 'stopped'};
    const running = this.#try(item, read, number);
    this.#posts.add(running);
    try {
      return this.#note(item, number, await running);
    } finally {
      this.#posts.delete(running);
      this.#slots.leave();
    }
  }

  async #try(item: CallbackItem, read: () => Promise<CallbackReply | undefined>, number: number): Promise<Tried> {
    const {hosts, clock, random = Math.random} = this.#options;
    const problem = refuseCallback(item.callback, hosts); // the settings may have changed since it was sent
    if (problem !== undefined) return {kind: 'failed', cause: `its address ${problem}`};
    const {hostname} = new URL(item.callback);
    if (!this.#silent.passes(hostname)) {
      const cause = 'the receiver gave no answer to others';
      return number >= mostTries ? {kind: 'failed', cause} : {kind: 'retry', afterMs: Math.round((1 + random()) * leaveMs), cause};
    }
    const reply = await read();
    if (!reply) return {kind: 'failed', cause: 'the reply is not kept any more'};
    let answer: Posted | undefined;
    let cause: string;
    try {
      answer = await this.#send(item, reply, number);
      this.#silent.heard(hostname);
      if (answer.status >= 200 && answer.status < 300) return {kind: 'delivered'};
      cause = `the receiver answered with status ${answer.status}`;
    } catch (error) {
      if (this.#closing.signal.aborted) return {kind: 'stopped'};
      const reason = reasonOf(error as Error); // nothing else is thrown
      if (reason instanceof NoAnswer) this.#silent.silent(hostname);
      if (reason instanceof AddressRefused) return {kind: 'failed', cause: reason.message};
      cause = reason.message;
    }
    if (answer?.status === gone || number >= mostTries) return {kind: 'failed', cause};
    return {kind: 'retry', afterMs: waitAfter(number, answer?.headers ?? [], {now: clock.now(), random: random()}), cause};
  }

  async #send(item: CallbackItem, {status, headers, body}: CallbackReply, number: number): Promise<Posted> {
    const {id, callback, webhookId = id, traceparent} = item;
    const {keys, clock, spans = passingSpans} = this.#options;
    const span = spans.post({id, url: callback, number, traceparent});
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const type = fieldOf(headers, 'content-type');
    const fields = {
      'user-agent': 'core-runtime',
      ...(type !== '' && {'content-type': type}),
      'core-status': String(status),
      'core-invocation-id': id,
      ...signedFields(webhookId, clock.now(), bytes, keys),
      ...span.trace,
    };
    try {
      const posted = await span.within(() => this.#post(callback, fields, bytes, this.#closing.signal));
      span.answered(posted.status);
      return posted;
    } catch (error) {
      span.failed(reasonOf(error as Error)); // nothing else is thrown
      throw error;
    }
  }

  /** The address is not shown, as it may hold a secret. */
  #note({id, callback}: CallbackItem, number: number, tried: Tried): Tried {
    if (tried.kind !== 'retry' && tried.kind !== 'failed') return tried;
    const host = URL.canParse(callback) ? new URL(callback).hostname : '';
    const fields = {invocationId: id, host, tries: number, cause: tried.cause};
    if (tried.kind === 'failed') this.#options.log.error(fields, 'A reply could not be posted to its callback; it is not tried again');
    else this.#options.log.debug({...fields, afterMs: tried.afterMs}, 'A reply could not be posted to its callback; it is tried again');
    return tried;
  }

  /** Breaks off what is on its way. What waits is told that the core stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('The core ends'));
    await Promise.allSettled(this.#posts);
  }
}

/** What the connection failed with. The client wraps it; several addresses that failed are one error without a message. */
function reasonOf(error: Error): Error {
  const inner = error.cause instanceof Error ? error.cause : error;
  const [first] = inner instanceof AggregateError ? inner.errors : [];
  return first instanceof Error ? first : inner;
}
