import type {Fault} from '../errors.ts';
import type {RuntimeCall, RuntimeReply} from '../runtime.ts';

/** How a call ended on its way to the sub-runtime. */
export interface CallEnd {
  /** The sub-runtime may have seen the call. */
  readonly mayRun: boolean;
  /** The whole request was taken over by the system. */
  readonly sentWhole: boolean;
  /** The connection was refused or broke off, not by us. */
  readonly broke: boolean;
  /** The host had no descriptor, port or memory left for a connection. */
  readonly byHost: boolean;
  /** A whole reply came, whether or not its caller still waited for it. */
  readonly answered: boolean;
  /** The sub-runtime said itself that it is done with the call. */
  readonly isOver: boolean;
  /** Of the reply; absent where it was short, or did not come whole. */
  readonly replyBytes?: number;
}

/** The way to one sub-runtime: HTTP at its port, or the channel that it inherited. */
export interface Hop {
  /**
  @param ended called once, when the sub-runtime is done with the call, or the connection is gone
  @param givenUp called when nobody waits any more for the rest of a reply that has been handed over
  @throws NotSent when not one byte left; Fault UPSTREAM_* or CALLER_LEFT otherwise
  */
  send(call: RuntimeCall, ended: (end: CallEnd) => void, givenUp: () => void): Promise<RuntimeReply>;
  /** Breaks off every call. */
  destroy(reason: Fault): void;
  /** The sub-runtime reports the end of each call, and whether it is alive. */
  readonly isChannel: boolean;
  /** Several calls may share it, and nobody can ask whether it is alive: only its replies say so. */
  readonly isUnasked: boolean;
  /** It is not certain that the sub-runtime still answers: it gets no call. */
  readonly isDoubtful: boolean;
  /** It did not answer in time whether it is alive. */
  readonly isSilent: boolean;
}
