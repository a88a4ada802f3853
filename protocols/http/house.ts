import type {Clock} from '../../src/clock.ts';
import type {CallEnd} from '../../src/hop/hop.ts';
import type {PassedReply} from '../../src/passing.ts';
import type {PortOptions} from '../../src/protocol.ts';
import type {Batch} from './batch.ts';
import type {Connections} from './connections.ts';
import type {OpenCalls} from './open-calls.ts';
import type {headWriter} from './request-head.ts';

/** What a call needs of the way to its server. */
export interface HopHouse {
  readonly clock: Clock;
  readonly options: PortOptions;
  readonly connections: Connections;
  readonly calls: OpenCalls;
  readonly batch: Batch;
  readonly writeHead: ReturnType<typeof headWriter>;
  /** When the server last began to answer, on the monotonic clock. */
  answeredAt: number;
}

/** Who waits for a call. */
export interface Waiting {
  resolve(reply: PassedReply): void;
  reject(error: Error): void;
  ended(end: CallEnd): void;
  givenUp(): void;
}
