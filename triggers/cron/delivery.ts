import type {Delivery, InvocationResult, Principal, SpanSubject, TriggerInput} from '../../src/trigger.ts';
import type {Claim} from './claims.ts';
import type {Schedule} from './schedule.ts';

/** An occurrence that this core has claimed. */
export class Tick implements Delivery {
  readonly id: string;
  readonly attempt: number;
  readonly source: string;
  readonly principal: Principal;
  readonly writeAhead = true;
  readonly breaksOff = true;
  readonly occurrence: string;
  result: InvocationResult | undefined;
  readonly #schedule: Schedule;
  readonly #abort = new AbortController();

  constructor(schedule: Schedule, {occurrence, invocationId, attempt}: Claim) {
    this.#schedule = schedule;
    this.id = invocationId;
    this.attempt = attempt;
    this.occurrence = occurrence;
    this.source = `cron:${schedule.name}`;
    this.principal = {subject: this.source};
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A later occurrence takes its place. */
  replace(): void {
    this.#abort.abort();
  }

  subject(): SpanSubject {
    const {name, cron} = this.#schedule;
    return {trigger: 'timer', name, cron, time: this.occurrence};
  }

  async input(): Promise<TriggerInput> {
    const {name, input} = this.#schedule;
    return {
      eventType: 'cron',
      method: 'POST',
      path: '/',
      query: '',
      headers: ['Content-Type', 'application/json'],
      body: Buffer.from(input),
      sourceIp: '',
      schedule: {name, occurrence: this.occurrence},
    };
  }

  reply(result: InvocationResult): void {
    this.result = result;
  }
}
