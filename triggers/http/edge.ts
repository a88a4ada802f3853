import type {Clock} from '../../src/clock.ts';
import type {Budget} from '../../src/limits/budget.ts';
import type {Meter} from '../../src/meter.ts';
import type {House} from '../../src/trigger.ts';
import type {Readers} from './readers.ts';
import {Replies} from './reply.ts';
import {Senders} from './senders.ts';

/** What all requests of a listener share. */
export interface Edge {
  readonly maxBodyBytes: number;
  /** Requests are passed through as they come. */
  readonly passes: boolean;
  /** The one account of memory. */
  readonly budget: Budget;
  readonly clock: Clock;
  /** True while stopping: every reply closes its connection. */
  isClosing: boolean;
  /** Deliveries without a reply. */
  inFlight: number;
  /** Bodies that are being received. */
  readonly senders: Senders;
  readonly replies: Replies;
  readonly meter: Meter;
}

export function openEdge(maxBodyBytes: number, readers: Readers, {budget, clock, meter, log, passes, bodies}: House): Edge {
  if (budget.maxBytes < maxBodyBytes && bodies === 'whole')
    log.warn({}, 'CORE_INFLIGHT_BYTES is below SCW_PAYLOAD_MAX_SIZE: bodies in between get 503');
  const senders = new Senders(clock, () => meter.connectionCut('slow-sender'));
  if (budget.turns) budget.turns.onPressed = () => senders.refuseSlow();
  return {
    maxBodyBytes,
    passes,
    budget,
    clock,
    isClosing: false,
    inFlight: 0,
    senders,
    replies: new Replies(clock, readers),
    meter,
  };
}
