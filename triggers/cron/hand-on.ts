import type {Fact} from '../../src/facts.ts';
import {RevisionConflict} from '../../src/journal.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {cancelled} from '../../src/work/cancelled.ts';
import type {WorkHall} from '../../src/work/hall.ts';
import {storedPayloads} from '../../src/work/stored.ts';
import type {Claim, HeldClaim} from './claim.ts';
import type {Claims} from './claims.ts';
import type {Insist} from './insist.ts';
import type {Schedule} from './schedule.ts';
import type {HandedOn} from './schedules.ts';
import {tickRequest} from './tick-input.ts';

/** Between two tries while as much work waits as may. */
const fullMs = {first: 1000, most: 30_000};

export interface HandOnHouse {
  readonly house: Pick<ClaimingHouse, 'clock' | 'log'>;
  readonly hall: WorkHall;
  readonly claims: Pick<Claims, 'isBegun' | 'outcome'>;
  readonly insist: Insist;
  readonly closing: AbortSignal;
}

/**
Hands claimed occurrences of one schedule on to work, which tries them and keeps what becomes of them. An occurrence is the
invocation that its claim names. So one whose core was killed between the claim and this has no fact of that invocation: the
next start hands it on. One that has was handed on, and is never handed on again.
*/
export class HandOn {
  readonly #schedule: Schedule;
  readonly #options: HandOnHouse;
  /** Those that were handed on and may not be over; none where they may overlap, as nobody asks. */
  readonly #given = new Set<string>();
  #newest: Claim | undefined;

  constructor(schedule: Schedule, options: HandOnHouse) {
    this.#schedule = schedule;
    this.#options = options;
  }

  /**
  Hands it on, and waits as long as work is full or the journal fails.

  @param isPast it replaces none, as a newer one may have been handed on
  @returns false when this is closed before
  */
  async give({claim}: HeldClaim, isPast = false): Promise<boolean> {
    const {house, insist, closing} = this.#options;
    const {name: schedule, occurrence} = claim;
    for (let pause = fullMs.first; ; pause = Math.min(2 * pause, fullMs.most)) {
      const given = await insist(() => this.tryOnce(claim, isPast));
      if (given !== 'full') return given === 'given';
      if (pause === fullMs.first) house.log.warn({schedule, occurrence}, 'As much work waits as may: the occurrence waits for some to end');
      if (!(await house.clock.sleep(pause, closing))) return false;
    }
  }

  /** @returns full when as much work waits as may @throws Fault of the journal */
  async tryOnce(claim: Claim, isPast = false): Promise<'given' | 'full'> {
    const {house, hall, claims} = this.#options;
    const {name, input, overlap} = this.#schedule;
    const {invocationId: id, occurrence} = claim;
    if (!(await claims.isBegun(claim))) {
      if (overlap === 'replace' && !isPast) await this.replace();
      const source = `cron:${name}`;
      const request = tickRequest({name, occurrence, body: Buffer.from(input)});
      const payloads = storedPayloads(id, {request, subject: ''}, headers => [...headers]);
      const data = {source, bytes: request.body.length, attempt: 1, dataref: `invocation.${id}/request`};
      const accepted: Fact = {type: 'invocation.accepted', data};
      const now = house.clock.now();
      try {
        const {kind} = await hall.store.enqueue(
          {id, acceptedAt: now, due: now, isBare: true},
          {facts: [accepted], payloads, most: hall.most},
        );
        if (kind === 'full') return 'full';
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error; // a try that seemed to fail was kept
      }
    }
    this.note(claim);
    hall.runner?.wake();
    return 'given';
  }

  /** Called for one that was handed on. */
  note(claim: Claim): void {
    if (!this.#newest || claim.occurrence >= this.#newest.occurrence) this.#newest = claim;
    if (this.#schedule.overlap !== 'allow') this.#given.add(claim.invocationId);
  }

  /** The newest occurrence that was handed on, and where work is with it; undefined when none was since this start, nor open at it. */
  async newest(): Promise<HandedOn | undefined> {
    if (!this.#newest) return undefined;
    const {occurrence, invocationId} = this.#newest;
    const item = await this.#alive(invocationId);
    if (item && !item.isCallback) {
      const status = item.status === 'running' ? 'running' : item.attempts > 0 ? 'retrying' : 'waiting';
      return {occurrence, invocationId, status};
    }
    const outcome = await this.#options.claims.outcome(this.#newest);
    return {occurrence, invocationId, status: outcome ?? 'waiting'};
  }

  /** Whether an earlier one is not over. A dead letter is. */
  async isBusy(): Promise<boolean> {
    for (const id of this.#given) {
      if (await this.#alive(id)) return true;
      this.#given.delete(id);
    }
    return false;
  }

  /** Cancels those that were handed on before this is called, also those that wait for their next attempt. */
  async replace(): Promise<void> {
    const {house, hall} = this.#options;
    for (const id of [...this.#given]) {
      const item = await this.#alive(id);
      if (item) await hall.cancel(id, cancelled(item, house.clock.now()));
      this.#given.delete(id);
    }
  }

  async #alive(id: string) {
    const item = await this.#options.hall.store.find(id);
    return item?.status === 'dead' ? undefined : item;
  }
}
