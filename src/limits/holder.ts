import type {Holder} from '../delivery.ts';
import type {Budget, Hold} from './budget.ts';

/** Charges the memory of a delivery to the budget, for a trigger that does not do so itself. */
export class DefaultHolder implements Holder {
  readonly eventHold: Hold;
  readonly replyHold: Hold;

  constructor(budget: Budget) {
    this.eventHold = budget.open('event');
    this.replyHold = budget.openSure('reply');
  }

  /** @throws Fault INFLIGHT_FULL */
  written(length: number): void {
    const full = this.eventHold.growAlone(length);
    if (full) throw full;
  }

  release(): void {
    this.eventHold.release();
    this.replyHold.release();
  }
}
