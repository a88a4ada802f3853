import type {Caller} from './caller.ts';
import type {ChannelSubRuntime} from './channel/sub-runtime.ts';
import type {SubRuntime} from './sub-runtime.ts';

/** How a sub-runtime is called. */
export type Over = 'http' | 'channel';

interface CaseOf<Sub> {
  readonly title: string;
  /** True: it is about a handler file that cannot be loaded, so it is left out when the handler is compiled into the program. */
  readonly loads?: true;
  /** It makes several calls at a time: left out when the sub-runtime takes one. `queued`: they may run one after another. */
  readonly several?: true | 'queued';
  /** It is about bodies that are made piece by piece: left out when the function under test makes none. */
  readonly streams?: true;
  /**
  @param sub a sub-runtime that the cases share
  @param start starts another one for this case alone, which ends with the case
  @throws Error that says what was expected and what came
  */
  run(sub: Sub, start: (changes?: Changes) => Promise<Sub>): Promise<void>;
}

/** One that makes sense however the sub-runtime is called. */
export interface CommonCase extends CaseOf<Caller> {
  readonly over?: undefined;
}

export interface HttpCase extends CaseOf<SubRuntime> {
  readonly over: 'http';
}

export interface ChannelCase extends CaseOf<ChannelSubRuntime> {
  readonly over: 'channel';
}

export type ConformanceCase = CommonCase | HttpCase | ChannelCase;

export interface Changes {
  readonly handlerPath?: string;
  readonly readiness?: 'report';
  /** Milliseconds after which the sub-runtime is killed if it is not ready. */
  readonly startMs?: number;
}
