import type {Duplex} from 'node:stream';

export interface ChannelOptions {
  /** Our end of the descriptor that the process inherited. */
  readonly socket: Duplex;
  readonly maxReplyBytes: number;
  /** Calls at a time. */
  readonly concurrency: number;
  /** While one of several calls is open, the process must go on answering. Otherwise their deadlines decide. */
  readonly answersPing: boolean;
  /** Bodies may be sent as they come. */
  readonly takesBodies: boolean;
  /** Called when the process broke the protocol: it must be replaced. */
  readonly onBroken: (why: string) => void;
  /** Called when it closed its end: most likely it is ending. */
  readonly onClosed: () => void;
  /** Called when the process has not answered in time whether it is alive, again and again until it does. */
  readonly onSilent: () => void;
  /** Called when it answers again, and so takes calls again. */
  readonly onAlive: () => void;
}
