import type {House, InvocationResult} from '../../src/trigger.ts';
import type {Claim, Claims, HeldClaim} from './claims.ts';
import {Tick} from './delivery.ts';
import type {Schedule} from './schedule.ts';

/** The occurrences of one schedule that are running, here and as far as is known elsewhere. */
export class Flights {
  readonly #schedule: Schedule;
  readonly #house: House;
  readonly #claims: Claims;
  readonly #running = new Map<Tick, Promise<void>>();
  /** Claims of other cores that may still be worked on, by invocation. */
  readonly #elsewhere = new Map<string, HeldClaim>();
  #queue: Promise<unknown> = Promise.resolve();
  #queued = 0;
  /** Somebody is about to launch. */
  #isTaken = false;
  #isClosed = false;

  constructor(schedule: Schedule, house: House, claims: Claims) {
    this.#schedule = schedule;
    this.#house = house;
    this.#claims = claims;
  }

  /** Delivers a claimed occurrence now. @returns what it came to, or undefined when nothing is fired any more */
  async launch(claim: Claim): Promise<InvocationResult | undefined> {
    // Two that come together must not both find the floor empty.
    while (this.#schedule.overlap === 'replace' && this.#running.size > 0) await this.replace();
    return this.#fly(claim);
  }

  async #fly(claim: Claim): Promise<InvocationResult | undefined> {
    // The claim stays: the next start finds it unsettled and delivers it.
    if (this.#isClosed) return;
    const tick = new Tick(this.#schedule, claim);
    const delivered = this.#house.deliver({get: () => '', state: undefined}, tick);
    this.#running.set(tick, delivered);
    await delivered;
    this.#running.delete(tick);
    return tick.result;
  }

  /**
  Delivers occurrences of the past one after the other, so that they are no flood. They replace none that is newer.

  @param claim asked when it is its turn; undefined when there is nothing to deliver
  */
  enqueue(claim: () => Promise<Claim | undefined>): Promise<unknown> {
    this.#queued++;
    this.#queue = this.#queue.then(() => this.#flyInTurn(claim)).finally(() => this.#queued--);
    return this.#queue;
  }

  async #flyInTurn(claim: () => Promise<Claim | undefined>): Promise<unknown> {
    const claimed = this.#isClosed ? undefined : await claim();
    if (!claimed) return;
    while (this.#schedule.overlap !== 'allow' && this.#running.size > 0) await Promise.all(this.#running.values());
    return this.#fly(claimed);
  }

  /** Breaks off what runs here, and waits for it to end. */
  async replace(): Promise<void> {
    const replaced = [...this.#running];
    for (const [tick] of replaced) tick.replace();
    await Promise.all(replaced.map(([, delivered]) => delivered));
  }

  /** Another core was first. */
  noteElsewhere(held: HeldClaim): void {
    this.#elsewhere.set(held.claim.invocationId, held);
  }

  /** Does something that launches, unless an occurrence still runs or waits for its turn. @returns undefined then */
  async alone<T>(act: () => Promise<T>): Promise<T | undefined> {
    await this.#forgetSettled();
    if (this.#running.size > 0 || this.#queued > 0 || this.#elsewhere.size > 0 || this.#isTaken) return undefined;
    this.#isTaken = true;
    try {
      return await act();
    } finally {
      this.#isTaken = false;
    }
  }

  async #forgetSettled(): Promise<void> {
    const {clock, leaseMs} = this.#house;
    for (const [id, {claim, at}] of this.#elsewhere) {
      if (clock.now() - at >= leaseMs || (await this.#claims.isSettled(claim))) this.#elsewhere.delete(id);
    }
  }

  /** Nothing is launched after this call; it is over when what runs is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running.values());
  }
}
