import type {Clock} from '../../clock.ts';
import type {Fact} from '../../facts.ts';
import {answered, decide, evolve, initial, type LifecycleState, restartDelayMs, type Seen, servedUntil} from './lifecycle.ts';
import type {RestartPolicy} from './restart-policy.ts';

export interface HistoryHouse {
  readonly clock: Clock;
  facts(facts: readonly [Fact, ...Fact[]]): void;
}

/** What has happened in one place of the pool: each event becomes facts for the journal, and moves the state of the place on. */
export class History {
  readonly #policy: RestartPolicy;
  readonly #house: HistoryHouse;
  #state: LifecycleState = initial;

  constructor(policy: RestartPolicy, house: HistoryHouse) {
    this.#policy = policy;
    this.#house = house;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** The monotonic time at which a process of this place last served well: now while one does; undefined: none has yet. */
  get servedAt(): number | undefined {
    return servedUntil(this.#state, this.#house.clock.monotonic(), this.#policy);
  }

  /** How long to wait before the next start; undefined while a process exists. */
  restartDelayMs(): number | undefined {
    return restartDelayMs(this.#state, Math.random(), this.#policy);
  }

  /** @param counts false for a process that does not serve: it says nothing about the state of this place */
  see(seen: Seen, counts: boolean): void {
    const [fact, ...more] = decide(counts ? this.#state : initial, seen, this.#policy);
    const facts = counts ? ([fact, ...more] as const) : ([fact] as const);
    if (counts) for (const fact of facts) this.#state = evolve(this.#state, fact, this.#house.clock.monotonic(), this.#policy);
    this.#house.facts(facts);
  }

  /** The process that serves has answered a call. */
  answered(): void {
    this.#state = answered(this.#state);
  }
}
