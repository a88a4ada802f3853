import type {Counts, DrainReport, Metrics} from '../observe/metrics/metrics.ts';

/** Counts what becomes of the events that are in flight now, and of those that still come. */
export class Drain {
  readonly #metrics: Pick<Metrics, 'counts'>;
  readonly #before: Counts;
  /** Calls that were broken off before the grace time was over, because their processes ended by themselves. */
  #brokenBefore: number | undefined;

  constructor(metrics: Pick<Metrics, 'counts'>) {
    this.#metrics = metrics;
    this.#before = metrics.counts();
  }

  /** Called when the grace time is over. Calls that break off from now on were cut off by the core. */
  cutOff(): void {
    this.#brokenBefore = this.#metrics.counts().broken;
  }

  /** The report so far, with those of other processes added. */
  report(others: readonly DrainReport[] = []): DrainReport {
    return [this.#own(), ...others].reduce((sum, each) => ({
      invocations: sum.invocations + each.invocations,
      accepted: sum.accepted + each.accepted,
      completed: sum.completed + each.completed,
      handedBack: sum.handedBack + each.handedBack,
      lost: sum.lost + each.lost,
    }));
  }

  #own(): DrainReport {
    const [before, now] = [this.#before, this.#metrics.counts()];
    const calls = now.broken - (this.#brokenBefore ?? now.broken);
    const replies = now.cutOff.since - before.cutOff.since;
    const repliesOfBefore = now.cutOff.before - before.cutOff.before;
    const handedBack = now.handedBack - before.handedBack;
    const completed = now.settled - before.settled - handedBack - calls - replies;
    const lost = now.accepted - now.settled + calls + replies + repliesOfBefore;
    return {invocations: now.accepted, accepted: completed + handedBack + lost, completed, handedBack, lost};
  }
}
