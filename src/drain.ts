import type {DrainReport, Metrics} from './observe/metrics.ts';

const nothingDrained: DrainReport = {accepted: 0, completed: 0, handedBack: 0, lost: 0};

/**
Counts from now on: what was in flight and what still comes.

@returns the report so far, with those of other processes added
*/
export function drainReporter(metrics: Pick<Metrics, 'counts'>): (others?: readonly DrainReport[]) => DrainReport {
  const before = metrics.counts();
  return (others = []) => {
    const now = metrics.counts();
    const accepted = now.accepted - before.settled;
    const handedBack = now.handedBack - before.handedBack;
    const completed = now.settled - before.settled - handedBack;
    return [{accepted, completed, handedBack, lost: accepted - completed - handedBack}, ...others].reduce<DrainReport>(
      (sum, each) => ({
        accepted: sum.accepted + each.accepted,
        completed: sum.completed + each.completed,
        handedBack: sum.handedBack + each.handedBack,
        lost: sum.lost + each.lost,
      }),
      nothingDrained,
    );
  };
}
