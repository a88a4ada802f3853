import {Pause, type PauseState} from '../../src/pause.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import type {Step} from './course.ts';

/** Whether a schedule is paused. Each core asks before it fires. */
export class SchedulePause {
  readonly #name: string;
  readonly #house: Pick<ClaimingHouse, 'journal' | 'clock' | 'log'>;
  readonly #pause: Pause;

  constructor(name: string, house: Pick<ClaimingHouse, 'journal' | 'clock' | 'log'>) {
    this.#name = name;
    this.#house = house;
    this.#pause = new Pause(
      {
        stream: `pause.${name}`,
        fact(isPaused, since) {
          const data = {name, since};
          return isPaused ? {type: 'schedule.paused', data} : {type: 'schedule.resumed', data};
        },
      },
      house,
    );
  }

  read(): Promise<PauseState> {
    return this.#pause.read();
  }

  /** Begins or ends a pause; nothing changes when it is so already. */
  async set(isPaused: boolean): Promise<PauseState> {
    const {before, state} = await this.#pause.set(isPaused);
    if (before.isPaused !== isPaused)
      this.#house.log.info({schedule: this.#name}, isPaused ? 'Paused: it fires only by hand' : 'Resumed: it fires by time again');
    return state;
  }

  /** What is left of a step. @returns undefined when nothing of it is: it falls into a pause */
  async left<S extends Step>(step: S): Promise<S | undefined> {
    const {isPaused, since = Number.NEGATIVE_INFINITY} = await this.read();
    if (isPaused) return undefined;
    if (step.kind !== 'lost') return step;
    return step.until <= since ? undefined : {...step, after: Math.max(step.after, since)};
  }

  /** Called again and again. */
  renew(): Promise<void> {
    return this.#pause.renew();
  }
}
