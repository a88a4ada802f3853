import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from './bridge.ts';

export const nodeBridge = fileURLToPath(new URL('../../runtimes/node/bridge.cjs', import.meta.url));

export interface NodeCases {
  readonly hop: 'http' | 'channel';
  check(title: string, body: (t: ExecutionContext) => Promise<void>): void;
  start(t: ExecutionContext, file: string, more?: Partial<BridgeOptions>): Promise<Bridge>;
  /** Starts a handler written in the test, as CommonJS. */
  startText(t: ExecutionContext, text: string, more?: Partial<BridgeOptions> & {file?: string}): Promise<Bridge>;
}

/** Declares the cases once for each way in which the bridge is called. */
export function eachHop(cases: (node: NodeCases) => void): void {
  for (const hop of ['channel', 'http'] as const) {
    cases({
      hop,
      check: (title, body) => void test.serial(`node${hop === 'channel' ? ' on the channel' : ''}: ${title}`, body),
      start: (t, file, more) => startNode(t, file, {hop, ...more}),
      startText: (t, text, more) => startNodeText(t, text, {hop, ...more}),
    });
  }
}

/** Starts the bridge, by default on the channel. */
export function startNode(t: ExecutionContext, file: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return startBridge(t, {binary: process.execPath, bridge: nodeBridge, path: file, hop: 'channel', ...more});
}

/** Starts a handler written in the test, by default as CommonJS. */
export async function startNodeText(
  t: ExecutionContext,
  text: string,
  {file = 'handler.cjs', ...more}: Partial<BridgeOptions> & {file?: string} = {},
): Promise<Bridge> {
  return startNode(t, await functionFile(t, file, text), more);
}
