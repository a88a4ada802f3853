import type {AttemptKeeper, Delivery, Fields, Input, InvocationResult, Principal, SpanSubject} from '../../src/delivery.ts';
import type {Budget} from '../../src/limits/budget.ts';
import {DefaultHolder} from '../../src/limits/holder.ts';
import type {LimitedLog} from '../../src/limits/limited-log.ts';
import {checkInput} from './contract.ts';

export interface CheckedHouse {
  /** The name of the trigger's entry. */
  readonly name: string;
  readonly budget: Budget;
  readonly log: LimitedLog;
}

/**
A delivery of a package, as the stages get it. What it gives is checked. When a method of it throws, the error is logged and
goes no further, and the invocation goes on as if the method had returned.
*/
export class CheckedDelivery implements Delivery {
  readonly source: string;
  readonly id?: string;
  readonly attempt?: number;
  readonly principal?: Principal;
  readonly anonymousReply: InvocationResult | undefined;
  readonly writeAhead: boolean;
  readonly signal: AbortSignal;
  readonly breaksOff: boolean;
  readonly traceCarrier?: Fields;
  readonly keeper?: AttemptKeeper;
  exemplar: string | undefined;
  readonly #own: Delivery;
  readonly #house: CheckedHouse;
  #holder: DefaultHolder | undefined;
  #isReplied = false;

  constructor(own: Delivery, house: CheckedHouse) {
    const {id, attempt, principal, traceCarrier, keeper} = own;
    this.source = own.source;
    if (id !== undefined) this.id = id;
    if (attempt !== undefined) this.attempt = attempt;
    if (principal) this.principal = principal;
    this.anonymousReply = own.anonymousReply;
    this.writeAhead = own.writeAhead;
    this.signal = own.signal;
    this.breaksOff = own.breaksOff === true;
    if (traceCarrier) {
      this.traceCarrier = {get: field => String(this.#try('traceCarrier', () => traceCarrier.get(field), '') ?? '')};
    }
    if (keeper) this.keeper = {ended: end => this.#try('keeper', () => keeper.ended(end), undefined)};
    this.#own = own;
    this.#house = house;
  }

  subject(): SpanSubject {
    return this.#try('subject', () => this.#own.subject(), undefined) ?? {trigger: 'other', name: this.source};
  }

  /** @throws TypeError for what is not an input */
  async input(): Promise<Input> {
    const input = await this.#own.input();
    checkInput(input);
    if (input.holder) return input;
    this.#holder = new DefaultHolder(this.#house.budget);
    return {...input, holder: this.#holder};
  }

  called(): void {
    this.#try('called', () => this.#own.called?.(), undefined);
  }

  defers(): boolean {
    return this.#try('defers', () => this.#own.defers?.() === true, false);
  }

  reply(result: InvocationResult): void {
    if (this.#isReplied) return;
    this.#isReplied = true;
    this.#holder?.release();
    this.#try('reply', () => this.#own.reply(result), undefined);
  }

  #try<T>(member: string, ask: () => T, otherwise: T): T {
    try {
      return ask();
    } catch (error) {
      const stack = error instanceof Error ? error.stack : String(error);
      const {name, log} = this.#house;
      log.write('error', `${name} ${member}`, {trigger: name, member, stack}, 'A delivery of a trigger throws');
      return otherwise;
    }
  }
}
