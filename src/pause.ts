import {type Clock, isoStamp} from './clock.ts';
import type {Fact} from './facts.ts';
import {type Journal, type Recorded, RevisionConflict} from './journal.ts';

/** Facts are removed when they are old. So the one about a pause that goes on is written again after this time. */
const renewMs = 3_600_000;

/** What is paused, and how that is written. */
export interface Pausable {
  readonly stream: string;
  /** @param since ISO 8601 in UTC */
  fact(isPaused: boolean, since: string): Fact;
}

export interface PauseState {
  readonly isPaused: boolean;
  /** Wall time of the newest pause, or of the end of the newest; undefined when there was none. */
  readonly since?: number;
}

export interface PauseHouse {
  readonly journal: Pick<Journal, 'last' | 'append'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** Whether something is paused. The journal keeps it, so that a pause outlives the core, and holds for every core on the journal. */
export class Pause {
  readonly #of: Pausable;
  readonly #house: PauseHouse;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(of: Pausable, house: PauseHouse) {
    this.#of = of;
    this.#house = house;
  }

  async read(): Promise<PauseState> {
    return stateOf(await this.#house.journal.last(this.#of.stream));
  }

  /** Begins or ends a pause; nothing is written when it is so already. @returns how it was, and how it is */
  async set(isPaused: boolean): Promise<{readonly before: PauseState; readonly state: PauseState}> {
    const {journal, clock} = this.#house;
    const before = await this.read();
    if (before.isPaused === isPaused) return {before, state: before};
    const since = clock.now();
    await journal.append(this.#of.stream, [this.#of.fact(isPaused, isoStamp(since))]);
    return {before, state: {isPaused, since}};
  }

  /** Called again and again. Writes the fact about a pause anew before it is old. */
  async renew(): Promise<void> {
    const {journal, clock} = this.#house;
    if (clock.monotonic() - this.#lookedAt < renewMs) return;
    this.#lookedAt = clock.monotonic();
    const last = await journal.last(this.#of.stream);
    if (!last || !stateOf(last).isPaused || clock.now() - last.at < renewMs / 2) return;
    await journal.append(this.#of.stream, [last.fact], {expect: last.position}).catch((error: unknown) => {
      if (!(error instanceof RevisionConflict)) throw error; // somebody has just resumed it, or written it anew
    });
  }
}

function stateOf(last: Recorded | undefined): PauseState {
  switch (last?.fact.type) {
    case 'schedule.paused':
    case 'work.paused':
      return {isPaused: true, since: Date.parse(last.fact.data.since)};
    case 'schedule.resumed':
    case 'work.resumed':
      return {isPaused: false, since: Date.parse(last.fact.data.since)};
    default:
      return {isPaused: false};
  }
}
