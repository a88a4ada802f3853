import type {Observation} from '../../observation.ts';

/** The median is that of so many calls, the last ones. */
const remembered = 200;

/** What the status line counts. */
export class Tally {
  calls = 0;
  errors = 0;
  readonly #durations: number[] = [];
  readonly #processes = new Set<string>();

  /** Processes that run the functions and are ready. */
  get processes(): number {
    return this.#processes.size;
  }

  /** @param name of the function, as processes of several functions are counted together */
  count(observation: Observation, name = ''): void {
    if (observation.type === 'ended') {
      this.#durations[this.calls++ % remembered] = observation.durationMs;
      if (observation.fault || observation.status >= 500) this.errors++;
    } else if (observation.type === 'facts') {
      for (const {type, data} of observation.facts) {
        if (type === 'runtime.ready') this.#processes.add(`${name} ${data.pid}`);
        else if (type === 'runtime.exited') this.#processes.delete(`${name} ${data.pid}`);
      }
    }
  }

  /** The core of a function has ended, and its processes with it. */
  forget(name: string): void {
    for (const each of this.#processes) if (each.startsWith(`${name} `)) this.#processes.delete(each);
  }

  /** Half of the calls took longer; undefined before the first. Milliseconds. */
  medianMs(): number | undefined {
    const sorted = this.#durations.toSorted((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)];
  }
}
