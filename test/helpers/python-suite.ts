import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from './bridge.ts';

export const pythonBridge = fileURLToPath(new URL('../../runtimes/python/bridge.py', import.meta.url));

/** One version of Python, for suites that hold for every one. */
export interface Python {
  /** Shown before every title. */
  title: string;
  binary: string;
  /** It knows `async def`. */
  isThree: boolean;
}

/** Starts the bridge with a handler file of the test's own. */
export async function startPython(t: ExecutionContext, python: Python, text: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  const path = await functionFile(t, 'handler.py', text);
  return startBridge(t, {binary: python.binary, bridge: pythonBridge, path, ...more});
}

/** `def`, and `async def` where it exists. */
export const keywordsOf = ({isThree}: Python): string[] => (isThree ? ['def', 'async def'] : ['def']);
