import type {WorkersOptions} from './workers.ts';

/** The child's descriptor on which our bridges report. */
const bridgeDescriptor = 3;

/** The environment of one sub-runtime: the user's, and the variables of the contract. */
export function environmentOf(
  {environment, host, spec, concurrency = spec.command.concurrency}: WorkersOptions,
  port: number,
  bridgeToken: string,
): Readonly<Record<string, string>> {
  return {
    ...environment,
    SCW_UPSTREAM_HOST: host,
    SCW_UPSTREAM_PORT: String(port),
    SCW_HANDLER_PATH: spec.handlerPath,
    SCW_HANDLER_NAME: spec.handlerName,
    CORE_BRIDGE_TOKEN: bridgeToken,
    CORE_BRIDGE_FD: String(bridgeDescriptor),
    CORE_CONCURRENCY: String(concurrency),
  };
}
