import type {
  AttemptEnd,
  AttemptKeeper,
  Carrier,
  Delivery,
  Fields,
  Input,
  InvocationResult,
  Principal,
  SpanSubject,
} from '../../src/delivery.ts';
import type {StoredRequest} from '../../src/work/stored.ts';
import type {Claimed} from '../../src/work.ts';
import type {Share} from './room.ts';

export interface WorkDeliveryHouse {
  /** Breaks it off. */
  readonly signal: AbortSignal;
  readonly share: Pick<Share, 'eventHold' | 'replyHold'>;
  /** It was broken off by the stop, not by somebody who asked for its end. */
  readonly goesOn?: () => boolean;
}

/** One attempt of an item that this core has claimed. Its runner keeps the facts, as it knows whether the attempt is the last. */
export class WorkDelivery implements Delivery, Fields, Carrier, AttemptKeeper {
  readonly id: string;
  readonly attempt: number;
  readonly source = 'work';
  readonly principal: Principal;
  readonly writeAhead = true;
  readonly breaksOff = true;
  readonly signal: AbortSignal;
  state: unknown;
  result: InvocationResult | undefined;
  /** Undefined when the stages did not come as far as the event. */
  end: AttemptEnd | undefined;
  readonly #stored: StoredRequest;
  readonly #share: Pick<Share, 'eventHold' | 'replyHold'>;
  readonly #traceparent: string;
  readonly #goesOn: () => boolean;

  constructor({id, attempts, traceparent = ''}: Claimed, stored: StoredRequest, {signal, share, goesOn = () => false}: WorkDeliveryHouse) {
    this.id = id;
    this.attempt = attempts;
    this.principal = {subject: stored.subject};
    this.signal = signal;
    this.#stored = stored;
    this.#share = share;
    this.#goesOn = goesOn;
    this.#traceparent = traceparent;
  }

  get keeper(): AttemptKeeper {
    return this;
  }

  get traceCarrier(): Fields {
    return {get: field => (field.toLowerCase() === 'traceparent' ? this.#traceparent : '')};
  }

  /** Of the request, as when it came. */
  get(field: string): string {
    const {headers} = this.#stored.request;
    const wanted = field.toLowerCase();
    const index = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === wanted);
    return index < 0 ? '' : (headers[index + 1] ?? '');
  }

  /** An occurrence that a schedule has handed on is described as one that the schedule delivers itself: nobody sent it. */
  subject(): SpanSubject {
    const {eventType, context} = this.#stored.request;
    const {name, occurrence: time} = Object(context?.schedule) as {readonly name?: unknown; readonly occurrence?: unknown};
    if (eventType === 'cron' && typeof name === 'string' && typeof time === 'string') return {trigger: 'timer', name, time};
    return {trigger: 'pubsub', system: 'core-runtime', destination: 'work', id: this.id, attempt: this.attempt};
  }

  input(): Input {
    const {eventHold, replyHold} = this.#share;
    // It was let in already, so it is charged and never refused.
    return {...this.#stored.request, holder: {written: length => eventHold.set(length), eventHold, replyHold}};
  }

  /** What did not reach the function is tried again. */
  defers(): boolean {
    return true;
  }

  goesOn(): boolean {
    return this.#goesOn();
  }

  reply(result: InvocationResult): void {
    this.#share.replyHold.set(result.body.length);
    this.result = result;
  }

  ended(end: AttemptEnd): void {
    this.end = end;
  }
}
