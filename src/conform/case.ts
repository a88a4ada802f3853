import type {SubRuntime} from './sub-runtime.ts';

export interface ConformanceCase {
  readonly title: string;
  /** It is about a handler file that cannot be loaded: left out when the handler is compiled into the program. */
  readonly loads?: true;
  /**
  @param sub a sub-runtime that the cases share
  @param start starts one of the case's own, which ends with the case
  @throws Error that says what was expected and what came
  */
  run(sub: SubRuntime, start: StartAnother): Promise<void>;
}

export interface Changes {
  readonly handlerPath?: string;
  readonly readiness?: 'report';
  /** It is killed when it is not ready by then. */
  readonly startMs?: number;
}

export type StartAnother = (changes?: Changes) => Promise<SubRuntime>;
