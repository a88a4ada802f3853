import {systemClock} from '../../src/clock.ts';
import {type RunningCore, startCore} from '../../test/helpers/core.ts';

/** Cores that share a journal, each of which may be killed and is started again. */
export class Cores implements AsyncDisposable {
  readonly #env: Record<string, string>;
  readonly #running = new Map<number, RunningCore>();
  isEnding = false;

  constructor(env: Record<string, string>) {
    this.#env = env;
  }

  get urls(): readonly string[] {
    return [...this.#running.values()].map(({url}) => url);
  }

  get pids(): readonly number[] {
    return [...this.#running.values()].map(({pid}) => pid);
  }

  /** Every line that a core has written as an error. */
  errors(): string[] {
    return [...this.#running.values()].flatMap(({logs}) => logs.filter(({level}) => level === 'error').map(({msg}) => msg));
  }

  /** Starts a core in this place, and again for as long as it does not start, as when no server is there. */
  async start(place: number): Promise<void> {
    for (let tries = 0; tries < 30 && !this.isEnding; tries++) {
      try {
        this.#running.set(place, await startCore(this.#env));
        return;
      } catch {
        await systemClock.sleep(500);
      }
    }
  }

  async kill(place: number): Promise<void> {
    const core = this.#running.get(place);
    this.#running.delete(place);
    core?.kill('SIGKILL');
    await core?.exited;
  }

  /** Stops a process without a word, for a while. */
  async hold(place: number, ms: number): Promise<void> {
    const core = this.#running.get(place);
    if (!core) return;
    core.kill('SIGSTOP');
    await systemClock.sleep(ms);
    core.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isEnding = true;
    await Promise.all([...this.#running.values()].map(core => core.stop()));
  }
}
