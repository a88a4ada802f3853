import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {projectFile} from '../../test/helpers/core.ts';
import {endWithUs} from '../servers.ts';
import type {Done, Kind, Task} from './core.ts';
import type {Place} from './places.ts';

/** What several processes did at once. */
export interface Total {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Processes that write into one journal, each as a core does. */
export class Replicas implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  static async start(count: number, {location, synced}: Place): Promise<Replicas> {
    const children = Array.from({length: count}, () =>
      fork(projectFile('bench/cluster/core.ts'), synced ? [location, synced] : [location]),
    );
    for (const child of children) endWithUs(child);
    const replicas = new Replicas(children);
    await replicas.#answers<'ready'>();
    return replicas;
  }

  /** @param writers of all of them together */
  async run(kind: Kind, writers: number, ms: number): Promise<Total> {
    const answers = this.#answers<Done>();
    const task: Task = {kind, ms, writers: Math.ceil(writers / this.#children.length)};
    for (const child of this.#children) child.send(task);
    const all = await answers;
    const took = all.flatMap(({took: each}) => each).sort((one, other) => one - other);
    const at = (share: number) => took[Math.floor(took.length * share)] ?? Number.NaN;
    return {perSecond: all.reduce((sum, {count}) => sum + count, 0) / (ms / 1000), p50Ms: at(0.5), p99Ms: at(0.99)};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#children.map(child => once(child, 'exit'));
    for (const child of this.#children) child.send('end');
    await Promise.all(ended);
  }

  #answers<T>(): Promise<T[]> {
    return Promise.all(
      this.#children.map(async child => {
        const ended = once(child, 'exit').then(([code]) => {
          throw new Error(`A writer ended with ${code}`);
        });
        const [answer] = await Promise.race([once(child, 'message'), ended]);
        return answer as T; // bench/cluster/core.ts sends nothing else
      }),
    );
  }
}
