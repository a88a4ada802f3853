import type {Clock} from '../../clock.ts';
import type {Hop} from '../../hop/hop.ts';
import type {RuntimeCall, RuntimeReply} from '../../runtime.ts';

export interface MemberOptions {
  readonly upstream: Hop;
  readonly address: {readonly host: string; readonly port: number};
  readonly pid?: number | undefined;
  readonly concurrency: number;
  /** Longest time of a call, in milliseconds: CORE_TIMEOUT. A caller may wait for less time; that says nothing about the process. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** It reports the end of a call whose connection was closed. A foreign sub-runtime may do so; we know once it has. */
  readonly reportsEnds: boolean;
  /** A call does not end although its longest time is over, or the process takes no connection: only a new process helps. */
  readonly onStuck: (why: string) => void;
  /** Called once, at the first answer. */
  readonly onAnswered: () => void;
  /** Whether the system is taking the process down. */
  readonly isEnding: () => boolean;
}

/** The right to one call in a member. */
export interface Place {
  /** @param ended called once, when the sub-runtime is done with the call: the place is free again. It gets the bytes of a long reply, else 0 */
  send(call: RuntimeCall, ended: (replyBytes: number) => void): Promise<RuntimeReply>;
}
