import type {MessageOutcome} from '../meter.ts';

/** What a trigger for messages does now, for people. */
export interface MessagesView {
  readonly name: string;
  readonly system: string;
  readonly ack: 'settled' | 'accepted';
  readonly connected: boolean;
  /** Why it is not connected. */
  readonly problem?: string;
  /** Messages that are held now, and how many may be. */
  readonly held: number;
  readonly most: number;
  /** What waits at the broker, where it says so. */
  readonly waiting?: number;
  /** ISO 8601. */
  readonly oldestAt?: string;
  /** How many came to each end since the start of the core. */
  readonly outcomes: Readonly<Partial<Record<MessageOutcome, number>>>;
}
