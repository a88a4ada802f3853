import type {CallerSignal} from '../../caller-signal.ts';
import type {RuntimeCall} from '../../runtime.ts';
import type {ChannelCall} from './channel-call.ts';
import type {OpenCalls} from './open-calls.ts';

/** Tells calls when their callers leave. A signal that many calls share has one listener: to add and remove one costs as much as a tenth of a call. */
export class Departures {
  readonly #calls: OpenCalls;
  readonly #shared = new Map<CallerSignal, () => void>();

  constructor(calls: OpenCalls) {
    this.#calls = calls;
  }

  watch(call: ChannelCall, {signal, isSignalShared}: Pick<RuntimeCall, 'signal' | 'isSignalShared'>): void {
    if (!signal) return;
    if (!isSignalShared) {
      signal.addEventListener('abort', call, {once: true});
      return;
    }
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
