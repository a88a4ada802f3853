import type {Observation} from '../../observation.ts';

/** The median is that of so many calls, the last ones. */
const remembered = 200;

/** What the status line counts: the same as the figures of the console and of `top`. */
export class Tally {
  requests = 0;
  /** Requests that were answered with a status of 500 and above. */
  errors = 0;
  /** Calls that are no requests, such as those of schedules. */
  otherCalls = 0;
  otherFailures = 0;
  #timed = 0;
  readonly #durations: number[] = [];
  readonly #processes = new Set<string>();

  /** Processes that run the functions and are ready. */
  get processes(): number {
    return this.#processes.size;
  }

  /** @param name of the function, as processes of several functions are counted together */
  count(observation: Observation, name = ''): void {
    if (observation.type === 'ended') {
      const {isOther, fault, status, durationMs} = observation;
      this.#durations[this.#timed++ % remembered] = durationMs;
      if (isOther) {
        this.otherCalls++;
        if (fault) this.otherFailures++;
      } else {
        this.requests++;
        if (status >= 500) this.errors++;
      }
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
