import type {Config} from './config.ts';

/** The settings that say what is served. */
export type FunctionSettings = Pick<
  Config,
  | 'command'
  | 'handlerPath'
  | 'handlerName'
  | 'handlerIsBinary'
  | 'runtimeBinary'
  | 'runtimeBridge'
  | 'language'
  | 'hop'
  | 'concurrency'
  | 'lambdaPayload'
>;
