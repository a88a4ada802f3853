const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
The time by which the age of facts is judged. A clock of the server that jumped forward must not remove facts. So time counts
if facts were written in it, or this process was running. Other time is left out for a day; if the clock still says the same
then, it is right.
*/
export class SweepClock {
  #last: {readonly at: number; readonly elapsedMs: number} | undefined;
  #doubtsSince: number | undefined;

  /** @param server wall time of the server @param newest when the newest fact was kept @param elapsedMs by the monotonic clock */
  at(server: number, newest: number, elapsedMs: number): number {
    const seen = Math.max(newest, this.#last ? this.#last.at + elapsedMs - this.#last.elapsedMs : newest);
    let at = Math.min(server, seen);
    if (server - at <= hourMs) [at, this.#doubtsSince] = [server, undefined];
    else {
      this.#doubtsSince ??= elapsedMs;
      if (elapsedMs - this.#doubtsSince >= dayMs) at = server;
    }
    this.#last = {at, elapsedMs};
    return at;
  }
}
