import {spawnSync} from 'node:child_process';
import {startProgram} from './broker.ts';
import type {Teardown} from './core.ts';
import {freePort} from './port.ts';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A server of a test's own that keeps nothing on the disk. */
export async function redisServer(t: Teardown) {
  const port = await freePort();
  const server = await startProgram(['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--save', ''], port);
  t.teardown(() => server.kill());
  return {server, url: `redis://127.0.0.1:${port}`};
}
