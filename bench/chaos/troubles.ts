import {setTimeout as pause} from 'node:timers/promises';
import type {Stall} from './sender.ts';

/** What is done to servers and cores, by its name. */
export type Trouble = readonly [name: string, make: () => Promise<void>];

interface Made {
  readonly name: string;
  readonly from: number;
  until: number;
}

export const random = (from: number, to: number) => from + Math.random() * (to - from);
/** In another order, by chance. */
export const shuffled = <T>(all: readonly T[]): T[] =>
  all
    .map(each => [Math.random(), each] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, each]) => each);

/** How often a server and a core have trouble at once. */
const togetherPart = 0.3;

/** Makes trouble, one after the other, and now and then to a server and a core at once. Afterwards everything runs. */
export class Troubles {
  readonly #ofServers: readonly Trouble[];
  readonly #ofCores: readonly Trouble[];
  readonly #breakMs: readonly [number, number];
  readonly #made: Made[] = [];

  /** @param breakMs shortest and longest time between one and the next */
  constructor(ofServers: readonly Trouble[], ofCores: readonly Trouble[], breakMs: readonly [number, number] = [1000, 4000]) {
    this.#ofServers = ofServers;
    this.#ofCores = ofCores;
    this.#breakMs = breakMs;
  }

  /** The first two rounds: what is done to servers first, and then to a server and a core at once. The others are chance. */
  async make(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      const [ofServer] = round === 0 ? this.#ofServers : shuffled(this.#ofServers);
      const [ofCore] = shuffled(this.#ofCores);
      const isTogether = round === 1 || (round > 1 && Math.random() < togetherPart);
      const [one] = round === 0 ? [ofServer] : shuffled([...this.#ofServers, ...this.#ofCores]);
      const chosen = isTogether ? [ofServer, ofCore] : [one];
      await Promise.all(chosen.map(trouble => trouble && this.#make(trouble)));
      await pause(random(...this.#breakMs));
    }
  }

  async #make([name, act]: Trouble): Promise<void> {
    const made: Made = {name, from: performance.now(), until: Number.POSITIVE_INFINITY};
    this.#made.push(made);
    await act();
    made.until = performance.now();
  }

  /** How many began while another one went on. */
  get overlaps(): number {
    return this.#made.filter((made, index) => this.#made.some((other, at) => at < index && other.until > made.from)).length;
  }

  /** How often which came. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const {name} of this.#made) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  /** How much of a stall came after all troubles with servers in it were over: what is left for the engine. */
  afterwards({from, ms}: Stall): number {
    const ends = this.#made.filter(({name}) => !name.startsWith('core')).map(({until}) => until);
    return from + ms - Math.max(from, ...ends.filter(until => until < from + ms));
  }

  /** What happened during a stall: when each began and how long it took, in seconds from the begin of the stall. */
  during({from, ms}: Stall): string[] {
    const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
    return this.#made
      .filter(made => made.from < from + ms && made.until > from - 1000)
      .map(made => `${made.name} at ${seconds(made.from - from)} for ${seconds(made.until - made.from)}`);
  }
}

/** To the cores of a trial, whatever keeps their journal. */
export function coreTroubles(
  cores: {kill(place: number): Promise<void>; start(place: number): Promise<void>; hold(place: number, ms: number): Promise<void>},
  places: number,
): Trouble[] {
  const place = () => Math.floor(Math.random() * places);
  return [
    [
      'core killed',
      async () => {
        const one = place();
        await cores.kill(one);
        await pause(random(0, 2000));
        await cores.start(one);
      },
    ],
    ['core stopped', () => cores.hold(place(), random(500, 22_000))],
  ];
}
