import type {SubRuntime} from './sub-runtime.ts';

export interface ConformanceCase {
  readonly title: string;
  /** True: it is about a handler file that cannot be loaded, so it is left out when the handler is compiled into the program. */
  readonly loads?: true;
  /**
  @param sub a sub-runtime that the cases share
  @param start starts another one for this case alone, which ends with the case
  @throws Error that says what was expected and what came
  */
  run(sub: SubRuntime, start: StartAnother): Promise<void>;
}

export interface Changes {
  readonly handlerPath?: string;
  readonly readiness?: 'report';
  /** Milliseconds after which the sub-runtime is killed if it is not ready. */
  readonly startMs?: number;
}

export type StartAnother = (changes?: Changes) => Promise<SubRuntime>;
