import type {Carrier, Delivery, Input, InvocationResult, Principal, SpanSubject} from '../delivery.ts';
import {Fault} from '../errors.ts';
import {fieldOf} from '../http/field.ts';

/** One call from a command line. Who may run the command may call the function. */
export class Call implements Delivery, Carrier {
  readonly source = 'invoke';
  readonly principal: Principal = {subject: 'invoke'};
  readonly writeAhead = false;
  readonly signal = new AbortController().signal;
  readonly traceCarrier = this;
  state: unknown;
  result: InvocationResult | undefined;
  readonly #input: Input;
  readonly #maxBytes: number;

  /** @param maxBytes the largest body that the core takes */
  constructor(input: Input, maxBytes: number) {
    this.#input = input;
    this.#maxBytes = maxBytes;
  }

  /** The fields that stages ask for. */
  get(field: string): string {
    return this.#input.shape === 'request' ? fieldOf(this.#input.headers, field) : '';
  }

  subject(): SpanSubject {
    return {trigger: 'other', name: 'invoke'};
  }

  async input(): Promise<Input> {
    if (this.#input.body.length > this.#maxBytes) {
      throw new Fault('BODY_TOO_LARGE', {message: `Request payload too large, max payload size = ${this.#maxBytes} bytes`});
    }
    return this.#input;
  }

  reply(result: InvocationResult): void {
    this.result = result;
  }
}
