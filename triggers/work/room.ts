import type {Hold} from '../../src/limits/budget.ts';
import type {ClaimingHouse} from '../../src/trigger.ts';
import {Slots} from '../../src/work/slots.ts';

/** Requests that are read at a time: one for so many bytes of the account, as each may be as large as a body may be. */
const bytesPerRead = 2 ** 24;
const mostReads = 8;
/** How often it is looked again whether there is room. */
const lookMs = 50;

/** What an attempt is charged to: its request, until the function is done with it, and the reply, until that is kept. */
export interface Share {
  readonly eventHold: Hold;
  readonly replyHold: Hold;
  release(): void;
}

/**
Room in memory for work. What the journal has kept is read only while half of the account is free, so that callers come first.
One item may always run: work goes on, however much callers hold.
*/
export class Room {
  readonly #house: Pick<ClaimingHouse, 'budget' | 'clock'>;
  readonly #reads: Slots;
  /** Items that have room. */
  #inside = 0;

  constructor(house: Pick<ClaimingHouse, 'budget' | 'clock'>) {
    this.#house = house;
    this.#reads = new Slots(Math.min(mostReads, Math.max(1, Math.floor(house.budget.maxBytes / bytesPerRead))));
  }

  /**
  Waits for room, and reads.

  @param bytesOf how much was read
  @returns undefined when the signal aborted before
  */
  async read<T>(
    act: () => Promise<T>,
    bytesOf: (read: T) => number,
    signal: AbortSignal,
  ): Promise<{readonly read: T; readonly share: Share} | undefined> {
    const {budget, clock} = this.#house;
    if (!(await this.#reads.enter(signal))) return undefined;
    try {
      while (budget.heldBytes > budget.maxBytes / 2 && this.#inside > 0) if (!(await clock.sleep(lookMs, signal))) return undefined;
      const share = this.open();
      try {
        const read = await act();
        share.eventHold.set(bytesOf(read));
        return {read, share};
      } catch (error) {
        share.release();
        throw error;
      }
    } finally {
      this.#reads.leave();
    }
  }

  /** For a request that is in memory already. */
  open(bytes = 0): Share {
    const {budget} = this.#house;
    this.#inside++;
    const [eventHold, replyHold] = [budget.open('event'), budget.openSure('reply', 'patient')];
    eventHold.set(bytes);
    return {
      eventHold,
      replyHold,
      release: () => {
        this.#inside--;
        eventHold.release();
        replyHold.release();
      },
    };
  }
}
