import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from './bridge.ts';

export const nodeBridge = fileURLToPath(new URL('../../runtimes/node/bridge.cjs', import.meta.url));

export function startNode(t: ExecutionContext, file: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return startBridge(t, {binary: process.execPath, bridge: nodeBridge, path: file, ...more});
}

/** Starts a handler written in the test, by default as CommonJS. */
export async function startNodeText(
  t: ExecutionContext,
  text: string,
  {file = 'handler.cjs', ...more}: Partial<BridgeOptions> & {file?: string} = {},
): Promise<Bridge> {
  return startNode(t, await functionFile(t, file, text), more);
}
