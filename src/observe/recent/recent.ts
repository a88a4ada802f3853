import type {Clock} from '../../clock.ts';
import {type Figures, figuresOf} from '../metrics/figures.ts';
import type {Family} from '../metrics/open-metrics.ts';
import {type Moment, type Row, Rows, rowOf} from './rows.ts';

/** An hour in steps of ten seconds, and a minute in steps of one. */
const coarse = {stepMs: 10_000, most: 360};
const fine = {stepMs: 1000, most: 60};
/** How long every second is kept after somebody has asked. */
const watchedMs = 15_000;

/** What of the past is asked for. */
export const windows = {'1h': coarse, '1m': fine} as const;

export interface RecentHouse {
  readonly clock: Clock;
  /** What each process of the core has counted so far, of the metrics that figures are made of. */
  families(): Promise<readonly (readonly Family[])[]>;
}

/**
The figures of the last hour, made from what the metrics count anyway: a sample every ten seconds from the start on, as an hour
that nobody looked at is what people ask about afterwards. Every second is kept only while somebody looks.
*/
export class Recent implements Disposable {
  readonly #house: RecentHouse;
  readonly #ending = new AbortController();
  readonly #kept = {'1h': new Rows(coarse.most), '1m': new Rows(fine.most)};
  /** The newest moment of each. */
  #hourly: Moment;
  #newest: Moment | undefined;
  #shown: Row | undefined;
  #watchedUntil = Number.NEGATIVE_INFINITY;
  #isWatched = false;
  #stopTimer: () => void = () => {};

  constructor(house: RecentHouse) {
    this.#house = house;
    // Every counter begins at 0, so nothing has to be asked during the start.
    this.#hourly = {figures: figuresOf([]), at: house.clock.now(), monotonic: house.clock.monotonic()};
    this.#plan();
  }

  /** The newest figures, with rates of the last second or so; of a longer time when nobody has looked for a while. */
  async now(): Promise<{figures: Figures; row: Row}> {
    const shown = this.#shown;
    this.#watch();
    if (shown && this.#newest && this.#house.clock.monotonic() - this.#newest.monotonic < 2 * fine.stepMs) {
      return {figures: this.#newest.figures, row: shown};
    }
    const moment = (await this.#look()) ?? this.#newest ?? this.#hourly;
    return {figures: moment.figures, row: rowOf(this.#hourly, moment)};
  }

  history(window: keyof typeof windows): {stepMs: number; columns: Record<string, (number | null)[]>} {
    const {stepMs, most} = windows[window];
    if (window === '1m') this.#watch();
    return {stepMs, columns: this.#kept[window].since(this.#house.clock.now() - stepMs * most)};
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#stopTimer();
  }

  #plan(): void {
    if (this.#ending.signal.aborted) return;
    this.#stopTimer = this.#house.clock.after(coarse.stepMs, () => void this.#keepHour()); // unlike `sleep` it keeps no process alive
  }

  async #keepHour(): Promise<void> {
    const moment = await this.#look();
    if (moment) {
      this.#kept['1h'].add(rowOf(this.#hourly, moment));
      this.#hourly = moment;
    }
    this.#plan();
  }

  #watch(): void {
    this.#watchedUntil = this.#house.clock.monotonic() + watchedMs;
    if (!this.#isWatched) void this.#keepSeconds();
  }

  async #keepSeconds(): Promise<void> {
    const {clock} = this.#house;
    this.#isWatched = true;
    let before = await this.#look();
    while (await clock.sleep(fine.stepMs, this.#ending.signal)) {
      if (clock.monotonic() > this.#watchedUntil) break;
      const moment = await this.#look();
      if (moment && before) {
        this.#shown = rowOf(before, moment);
        this.#kept['1m'].add(this.#shown);
      }
      this.#newest = moment ?? this.#newest;
      before = moment;
    }
    this.#isWatched = false;
    this.#shown = undefined;
  }

  /** @returns undefined when the metrics cannot be asked: then the moment is left out */
  async #look(): Promise<Moment | undefined> {
    const {clock, families} = this.#house;
    try {
      return {figures: figuresOf(await families()), at: clock.now(), monotonic: clock.monotonic()};
    } catch {
      return undefined;
    }
  }
}
