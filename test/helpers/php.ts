import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from './bridge.ts';

export const bridge = fileURLToPath(new URL('../../runtimes/php/bridge.php', import.meta.url));

export type Check = (title: string, body: (t: ExecutionContext) => Promise<void>) => void;

/** A case; undefined where the machine has no PHP. */
export const check: Check | undefined =
  spawnSync('php', ['-r', 'exit(PHP_VERSION_ID < 80000 ? 1 : 0);']).status === 0
    ? (title, body) => test.serial(`php: ${title}`, body)
    : undefined;

export function start(t: ExecutionContext, file: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return startBridge(t, {binary: 'php', bridge, path: file, ...more});
}

/** A bridge whose handler file has that text. */
export async function startText(t: ExecutionContext, text: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return start(t, await functionFile(t, 'handler.php', `<?php\n${text}\n`), more);
}
