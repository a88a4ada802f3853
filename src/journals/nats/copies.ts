import type {JournalHealth, JournalHouse} from '../engine.ts';
import {type Answer, answerOf} from './answer.ts';
import type {Subjects} from './subjects.ts';
import type {Transport} from './transport.ts';

/** How often it is looked how many servers have all that is kept. */
const lookMs = 10_000;

export interface CopiesHouse extends Pick<JournalHouse, 'clock'> {
  readonly transport: Transport;
  readonly subjects: Subjects;
  /** Told what the servers say. */
  readonly heard?: ((info: Info) => void) | undefined;
}

/** Knows how many copies of the journal there are, as the servers say. */
export class Copies {
  readonly #house: CopiesHouse;
  #now: JournalHealth['copies'];
  #isEnding = false;
  #stop = () => {};

  constructor(house: CopiesHouse) {
    this.#house = house;
  }

  /** Undefined while no server says, as when they have no leader. */
  get now(): JournalHealth['copies'] {
    return this.#house.transport.isConnected ? this.#now : undefined;
  }

  begin(): void {
    void this.#look().then(() => {
      if (!this.#isEnding) this.#stop = this.#house.clock.after(lookMs, () => this.begin());
    });
  }

  end(): void {
    this.#isEnding = true;
    this.#stop();
  }

  async #look(): Promise<void> {
    const {transport, subjects, heard} = this.#house;
    try {
      const info = answerOf(await transport.request(`$JS.API.STREAM.INFO.${subjects.stream}`, '')) as Info;
      this.#now = copiesIn(info);
      if (this.#now && !this.#isEnding) heard?.(info);
    } catch {
      this.#now = undefined;
    }
  }
}

/** As the protocol of the servers has it. A server alone says nothing of a cluster. */
export interface Info extends Answer {
  readonly config?: {readonly num_replicas: number};
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly {readonly name?: string; readonly current?: boolean; readonly offline?: boolean; readonly lag?: number}[];
  };
}

/** Pure. */
export function copiesIn({config, cluster, error}: Info): JournalHealth['copies'] {
  if (error || !config) return undefined;
  const {leader, replicas = []} = cluster ?? {leader: 'alone'};
  const current = replicas.filter(({current, offline}) => current === true && offline !== true).length;
  const behind = Math.max(0, ...replicas.map(({lag = 0}) => lag));
  return {wanted: config.num_replicas, current: current + (leader ? 1 : 0), behind};
}
