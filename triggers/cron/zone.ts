const hourMs = 3_600_000;
/** No two offsets of one zone are further apart in time from a wall time than this. */
const reachMs = 24 * hourMs;

/**
A time zone. Wall times are written as numbers too: the milliseconds that a clock in UTC with the same face would show.
*/
export class Zone {
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError for a name that is not a zone */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {timeZone: name, timeZoneName: 'longOffset'});
  }

  /** What clocks in the zone show at an instant. */
  wallOf(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /**
  When clocks in the zone first show a wall time. One that they skip is taken to be the first instant after the gap; of
  one that they show twice it is the first.
  */
  firstInstantOf(wall: number): number {
    const before = this.offsetAt(wall - reachMs);
    const after = this.offsetAt(wall + reachMs);
    const candidates = [wall - Math.max(before, after), wall - Math.min(before, after)] as const;
    for (const instant of candidates) if (this.wallOf(instant) === wall) return instant;
    return this.#changeBetween(...candidates);
  }

  /** Milliseconds east of UTC. */
  offsetAt(instant: number): number {
    const [, sign, hours, minutes, seconds = '0'] = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(this.#format.format(instant)) ?? [];
    if (sign === undefined) return 0;
    const ms = Number(hours) * hourMs + Number(minutes) * 60_000 + Number(seconds) * 1000;
    return sign === '-' ? -ms : ms;
  }

  /** The first instant after a change of the offset that lies between two others. */
  #changeBetween(from: number, to: number): number {
    const old = this.offsetAt(from);
    let [before, after] = [from, to];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.offsetAt(middle) === old) before = middle;
      else after = middle;
    }
    return after;
  }
}
