import type {Message} from './message.ts';

interface Lane {
  /** Of those that wait in it or run; undefined before the first. */
  tail: Promise<unknown> | undefined;
  count: number;
  /** What waits in it now. Whoever comes after it has broken, or from elsewhere, waits in the next one. */
  row: Row;
}

interface Row {
  readonly from: object;
  isBroken: boolean;
}

/**
Lets what belongs to the same lane run one after another, in the order of the calls. When one of them breaks its row, all that
waits behind it is told so, as what follows it in order must not be done before it.
*/
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  /**
  @param name undefined: it waits for nothing
  @param from the connection: what another one delivers comes after what was lost with this one, and is delivered in order
  @param act gets true when one before it has broken the row
  @param breaks whether the result of `act` breaks the row
  */
  run<T>(name: string | undefined, from: object, act: (isBroken: boolean) => Promise<T>, breaks: (result: T) => boolean): Promise<T> {
    if (name === undefined) return act(false);
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = {tail: undefined, count: 0, row: {from, isBroken: false}};
      this.#lanes.set(name, lane);
    }
    if (lane.row.from !== from) lane.row = {from, isBroken: false};
    lane.count++;
    const mine = this.#turn(name, lane, act, breaks);
    lane.tail = mine;
    return mine;
  }

  async #turn<T>(name: string, lane: Lane, act: (isBroken: boolean) => Promise<T>, breaks: (result: T) => boolean): Promise<T> {
    const {row, tail} = lane;
    try {
      if (tail) await tail.catch(() => {}); // whoever called it is told
      const result = await act(row.isBroken);
      if (!row.isBroken && breaks(result)) {
        row.isBroken = true;
        if (lane.row === row) lane.row = {from: row.from, isBroken: false};
      }
      return result;
    } finally {
      if (--lane.count === 0) this.#lanes.delete(name);
    }
  }
}

/** What tells that a message is there twice; undefined where nothing does. */
export const nameOf = ({key, handle}: Pick<Message, 'key' | 'handle'>) => (key === undefined ? handle && `handle ${handle}` : `key ${key}`);

/** The lane of a message. One that is there twice is handled once, and then known. */
export const laneOf = (message: Pick<Message, 'lane' | 'key' | 'handle'>) =>
  message.lane === undefined ? nameOf(message) : `lane ${message.lane}`;
