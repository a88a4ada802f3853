import type {CallerSignal} from '../../caller-signal.ts';
import type {OpenCalls} from './open-calls.ts';

/** Tells calls that share a signal when it aborts. It has one listener: to add and remove one for each costs as much as a tenth of a call. */
export class Departures {
  readonly #calls: OpenCalls;
  readonly #shared = new Map<CallerSignal, () => void>();

  constructor(calls: OpenCalls) {
    this.#calls = calls;
  }

  watch(signal: CallerSignal): void {
    if (this.#shared.has(signal)) return;
    const leave = () => {
      for (const open of this.#calls.all()) if (open.signal === signal) open.handleEvent();
    };
    this.#shared.set(signal, leave);
    signal.addEventListener('abort', leave, {once: true});
  }

  /** A shared signal outlives the channel. */
  close(): void {
    for (const [signal, leave] of this.#shared) signal.removeEventListener('abort', leave);
    this.#shared.clear();
  }
}
