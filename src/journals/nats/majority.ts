import type {Clock} from '../../clock.ts';
import type {Log} from '../../log.ts';
import {answerOf} from './answer.ts';
import type {Subjects} from './subjects.ts';
import {Away, type Transport} from './transport.ts';

/** When nothing was kept for so long, the other servers are asked: a request was late, and another one. */
const quietMs = 3000;
/** Pauses between questions grow with the time that nothing was kept. */
const shortestPauseMs = 500;
const longestPauseMs = 30_000;
const pausePart = 8;
/** A server that reaches a majority has kept something by then; one that does not yet is asked again. */
const proofMs = 1000;

export interface MajorityHouse {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}

/** Told what becomes of what is sent to be kept. */
export type Noting = Pick<Majority, 'noting'>;

/** Notes nothing. */
export const unnoted: Noting = {noting: write => write()};

/**
Knows whether the server that this core is connected to reaches a majority, and changes to another one when that one does and
this one does not. Only what a majority has kept proves it: a server that is cut off still answers what it believes. While no
server reaches a majority, this core stays where it is.
*/
export class Majority {
  readonly #house: MajorityHouse;
  #keptAt: number;
  /** Since when nothing was kept; undefined while the newest was. */
  #quietSince: number | undefined;
  #lookAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  /** How often this core has changed to another server. */
  changes = 0;

  constructor(house: MajorityHouse) {
    this.#house = house;
    this.#keptAt = house.clock.monotonic();
  }

  /** Notes whether a majority keeps what is written. @param proves whether an answer proves it */
  async noting<T>(write: () => Promise<T>, proves: (answer: T) => boolean = () => true): Promise<T> {
    const {clock} = this.#house;
    const began = clock.monotonic();
    try {
      const answer = await write();
      if (proves(answer)) {
        this.#keptAt = clock.monotonic();
        this.#quietSince = undefined;
      }
      return answer;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      this.#quietSince ??= Math.max(began, this.#keptAt);
      this.#look(clock.monotonic(), this.#quietSince);
      throw error;
    }
  }

  #look(now: number, since: number): void {
    if (this.#isLooking || now < Math.max(since + quietMs, this.#lookAt)) return;
    this.#isLooking = true;
    this.#change().finally(() => {
      const pauseMs = Math.min(Math.max(shortestPauseMs, (now - since) / pausePart), longestPauseMs);
      this.#lookAt = this.#house.clock.monotonic() + pauseMs;
      this.#isLooking = false;
    });
  }

  async #change(): Promise<void> {
    const {transport, log} = this.#house;
    const {name: from} = transport.server;
    if (!(await transport.change(request => this.#proves(request)))) return;
    this.changes++;
    this.#quietSince = undefined;
    log.warn(
      {from, to: transport.server.name},
      'The server of the journal did not reach the others: this core has changed to one that does',
    );
  }

  /** Whether a majority keeps what another server is given, and still does not what this one is given. */
  async #proves(request: Transport['request']): Promise<boolean> {
    const {subjects} = this.#house;
    const {seq, error} = answerOf(await request(subjects.barrier('elsewhere'), '', {'Nats-Rollup': 'sub', 'Nats-TTL': '60s'}, proofMs));
    return seq !== undefined && !error && this.#quietSince !== undefined;
  }
}
