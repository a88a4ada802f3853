import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from './bridge.ts';

export const bridge = fileURLToPath(new URL('../../runtimes/php/bridge.php', import.meta.url));

export interface Php {
  readonly hop: 'http' | 'channel';
  check(title: string, body: (t: ExecutionContext) => Promise<void>): void;
  start(t: ExecutionContext, file: string, more?: Partial<BridgeOptions>): Promise<Bridge>;
  /** A bridge whose handler file has that text. */
  startText(t: ExecutionContext, text: string, more?: Partial<BridgeOptions>): Promise<Bridge>;
}

/** Declares the cases once for each way in which a bridge is called; a skipped one where the machine has no PHP. */
export function eachHop(cases: (php: Php) => void): void {
  if (spawnSync('php', ['-r', 'exit(PHP_VERSION_ID < 80000 ? 1 : 0);']).status !== 0) {
    test.skip('php: PATH has no php 8 or later', () => {});
    return;
  }
  for (const hop of ['channel', 'http'] as const) {
    const start: Php['start'] = (t, path, more = {}) => startBridge(t, {binary: 'php', bridge, path, hop, ...more});
    cases({
      hop,
      check: (title, body) => void test.serial(`php${hop === 'channel' ? ' on the channel' : ''}: ${title}`, body),
      start,
      startText: async (t, text, more) => start(t, await functionFile(t, 'handler.php', `<?php\n${text}\n`), more),
    });
  }
}
