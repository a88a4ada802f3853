import {randomBytes} from 'node:crypto';
import type {Carrier, Delivery, Input, InvocationResult, Principal, SpanSubject} from '../delivery.ts';
import {fieldOf} from '../http/field.ts';
import type {Recalled} from './recall.ts';

/** A recorded event that is delivered again. It keeps its id, so that a function which answers with the id answers the same. */
export class Replayed implements Delivery, Carrier {
  readonly source = 'replay';
  readonly id: string;
  readonly principal: Principal = {subject: 'replay'};
  readonly writeAhead = false;
  readonly signal = new AbortController().signal;
  readonly traceCarrier = this;
  state: unknown;
  result: InvocationResult | undefined;
  readonly #recalled: Recalled;
  readonly #traceparent: string;

  constructor(recalled: Recalled) {
    this.id = recalled.id;
    this.#recalled = recalled;
    this.#traceparent = recalled.isTraced ? newTraceparent() : '';
  }

  /** The fields that stages ask for. */
  get(field: string): string {
    const name = field.toLowerCase();
    // The recorded trace is over. A trace context of its own keeps the form of the event.
    if (name === 'traceparent') return this.#traceparent;
    if (name === 'tracestate') return '';
    return fieldOf(this.#recalled.request.headers, name);
  }

  subject(): SpanSubject {
    return {trigger: 'other', name: 'replay'};
  }

  async input(): Promise<Input> {
    return this.#recalled.request;
  }

  reply(result: InvocationResult): void {
    this.result = result;
  }
}

/** W3C Trace Context, §3.2.2; not sampled. */
const newTraceparent = () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
