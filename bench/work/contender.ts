import type {Measured} from '../load.ts';
import type {Asked, Rate} from './queue.ts';

/** One way to hand over work that nobody waits for. What it cannot do is absent. */
export interface Contender {
  readonly title: string;
  /** Accepts from so many producers into an empty queue. */
  accept?(options: Omit<Asked['accept']['options'], 'isBatched'>): Promise<Measured>;
  /** Takes and ends items while so many wait. */
  claim?(options: Asked['claim']['options']): Promise<Measured>;
  /** From the sending to the start. */
  start?(options: Asked['start']['options']): Promise<Measured>;
}

export const measured = ({perSecond, p50Us, p99Us, errors}: Rate, cpuUs = Number.NaN): Measured => ({
  ...{requestsPerSecond: perSecond, p50Us, p99Us, errors, cpuUs},
});
