import {isoStamp} from '../../src/clock.ts';
import {type Recorded, RevisionConflict} from '../../src/journal.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import type {Step} from './course.ts';

/** Facts are removed when they are old. So the one about a pause that goes on is written again after this time. */
const renewMs = 3_600_000;

export interface PauseState {
  readonly isPaused: boolean;
  /** Wall time of the newest pause, or of the end of the newest; undefined when there was none. */
  readonly since?: number;
}

/**
Whether a schedule is paused. The journal keeps it, so that a pause outlives the core, and holds for every core on the journal:
each asks before it fires.
*/
export class Pause {
  readonly #name: string;
  readonly #house: Pick<ClaimingHouse, 'journal' | 'clock' | 'log'>;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, house: Pick<ClaimingHouse, 'journal' | 'clock' | 'log'>) {
    this.#name = name;
    this.#house = house;
  }

  async read(): Promise<PauseState> {
    return stateOf(await this.#house.journal.last(this.#stream));
  }

  /** Begins or ends a pause; nothing changes when it is so already. */
  async set(isPaused: boolean): Promise<PauseState> {
    const {journal, clock, log} = this.#house;
    const before = await this.read();
    if (before.isPaused === isPaused) return before;
    const name = this.#name;
    const since = clock.now();
    const data = {name, since: isoStamp(since)};
    await journal.append(this.#stream, [isPaused ? {type: 'schedule.paused', data} : {type: 'schedule.resumed', data}]);
    log.info({schedule: name}, isPaused ? 'Paused: it fires only by hand' : 'Resumed: it fires by time again');
    return {isPaused, since};
  }

  /** What is left of a step. @returns undefined when nothing of it is: it falls into a pause */
  async left<S extends Step>(step: S): Promise<S | undefined> {
    const {isPaused, since = Number.NEGATIVE_INFINITY} = await this.read();
    if (isPaused) return undefined;
    if (step.kind !== 'lost') return step;
    return step.until <= since ? undefined : {...step, after: Math.max(step.after, since)};
  }

  /** Called again and again. Writes the fact about a pause anew before it is old. */
  async renew(): Promise<void> {
    const {journal, clock} = this.#house;
    if (clock.monotonic() - this.#lookedAt < renewMs) return;
    this.#lookedAt = clock.monotonic();
    const last = await journal.last(this.#stream);
    if (last?.fact.type !== 'schedule.paused' || clock.now() - last.at < renewMs / 2) return;
    await journal.append(this.#stream, [last.fact], {expect: last.position}).catch((error: unknown) => {
      if (!(error instanceof RevisionConflict)) throw error; // somebody has just resumed it, or written it anew
    });
  }

  get #stream(): string {
    return `pause.${this.#name}`;
  }
}

function stateOf(last: Recorded | undefined): PauseState {
  if (last?.fact.type === 'schedule.paused') return {isPaused: true, since: Date.parse(last.fact.data.since)};
  if (last?.fact.type === 'schedule.resumed') return {isPaused: false, since: Date.parse(last.fact.data.since)};
  return {isPaused: false};
}
