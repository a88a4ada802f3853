import {callsDescriptor, reportsDescriptor} from './descriptors.ts';
import type {WorkersOptions} from './workers.ts';

/** The environment of one sub-runtime: the user's, and the variables of the contract. */
export function environmentOf(
  {environment, host, hop, protocol, spec, concurrency = spec.command.concurrency}: WorkersOptions,
  port: number,
  bridgeToken: string,
): Readonly<Record<string, string>> {
  return {
    ...environment,
    ...protocol.environment({host, port}, environment),
    SCW_UPSTREAM_HOST: host,
    SCW_UPSTREAM_PORT: String(port),
    SCW_HANDLER_PATH: spec.handlerPath,
    SCW_HANDLER_NAME: spec.handlerName,
    CORE_BRIDGE_TOKEN: bridgeToken,
    CORE_BRIDGE_FD: String(reportsDescriptor),
    ...(hop === 'auto' && {CORE_CALLS_FD: String(callsDescriptor)}),
    CORE_CONCURRENCY: String(concurrency),
  };
}
