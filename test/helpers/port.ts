import {randomInt} from 'node:crypto';
import {once} from 'node:events';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import net, {type AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {attempt} from '../../src/attempt.ts';
import {isAlive} from './process.ts';

/** Below the ports that Linux gives to connections, and to listeners on port 0: no other test gets one of these meanwhile. */
const [first, last] = [12_000, 32_000];

/** One file for each port that a test has for itself, with the process of the test. */
const folder = join(tmpdir(), 'core-runtime-test-ports');
const ours = new Set<string>();
process.once('exit', () => {
  for (const file of ours) rmSync(file, {force: true});
});

/** Takes a port from all other tests, also while nothing listens on it. @returns false when another one has it */
function claim(port: number): boolean {
  mkdirSync(folder, {recursive: true});
  const file = join(folder, String(port));
  try {
    writeFileSync(file, String(process.pid), {flag: 'wx'});
  } catch {
    const owner = Number(attempt(() => readFileSync(file, 'utf8')));
    if (!owner || isAlive(owner)) return false;
    rmSync(file, {force: true}); // of a test that was killed
    return claim(port);
  }
  ours.add(file);
  return true;
}

/** A port of this machine that nothing listens on, for a program that cannot choose one itself. Chosen at random. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, last);
    if (!claim(port)) continue;
    const server = net.createServer();
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/**
A port that refuses connections as long as the test goes on: a connection of ours has it, so that no other test gets it
to listen on.
*/
export async function refusingPort(t: {teardown(undo: () => void): void}): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const holder = net.connect((server.address() as AddressInfo).port, '127.0.0.1'); // a TCP server has an AddressInfo
  await once(holder, 'connect');
  t.teardown(() => {
    holder.destroy();
    server.close();
  });
  return holder.localPort as number; // it is connected
}
