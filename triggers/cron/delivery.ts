import type {Delivery, Input, InvocationResult, Principal, SpanSubject} from '../../src/delivery.ts';
import type {Fault} from '../../src/errors.ts';
import type {Position} from '../../src/journal.ts';
import type {Hold} from '../../src/limits/budget.ts';
import type {HeldClaim} from './claim.ts';
import type {Schedule} from './schedule.ts';
import {tickInput} from './tick-input.ts';

export interface TickOptions {
  /** What its reply is charged to. */
  readonly replyHold: Hold;
  /** Aborts when a later occurrence takes its place. */
  readonly signal: AbortSignal;
  /** Called when the function is called. */
  called(): void;
  /** Whether it can be delivered again if it does not reach the function. */
  mayWait(): boolean;
}

/** One attempt to deliver an occurrence that this core has claimed. */
export class Tick implements Delivery {
  readonly id: string;
  readonly attempt: number;
  readonly revision: Position | undefined;
  readonly source: string;
  readonly principal: Principal;
  readonly writeAhead = true;
  readonly breaksOff = true;
  readonly occurrence: string;
  readonly signal: AbortSignal;
  result: InvocationResult | undefined;
  readonly #schedule: Schedule;
  readonly #options: TickOptions;
  /** The answer that `defers` gave; undefined when it was not asked, because the invocation never began. */
  #defers: boolean | undefined;

  constructor(schedule: Schedule, {claim: {occurrence, invocationId, attempt}, revision}: HeldClaim, options: TickOptions) {
    this.#schedule = schedule;
    this.#options = options;
    this.signal = options.signal;
    this.id = invocationId;
    this.attempt = attempt;
    this.revision = revision ?? (attempt === 1 ? 0 : undefined);
    this.occurrence = occurrence;
    this.source = `cron:${schedule.name}`;
    this.principal = {subject: this.source};
  }

  defers(): boolean {
    this.#defers = this.#options.mayWait();
    return this.#defers;
  }

  called(): void {
    this.#options.called();
  }

  /** Why it did not reach the function; undefined unless it is to be delivered again. */
  get waits(): Fault | undefined {
    const fault = this.result?.fault;
    return fault && !fault.reached && (this.#defers ?? this.#options.mayWait()) ? fault : undefined;
  }

  subject(): SpanSubject {
    const {name, cron} = this.#schedule;
    return {trigger: 'timer', name, cron, time: this.occurrence};
  }

  input(): Input {
    const {name, input} = this.#schedule;
    return {
      ...tickInput({name, occurrence: this.occurrence, body: Buffer.from(input)}),
      holder: {written() {}, replyHold: this.#options.replyHold}, // its input is the setting's own text
    };
  }

  reply(result: InvocationResult): void {
    this.#options.replyHold.release();
    this.result = result;
  }
}
