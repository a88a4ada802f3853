import net from 'node:net';
import {systemClock} from '../../src/clock.ts';

const againMs = 50;

export interface Stranger {
  /** What it sends when it is connected. */
  readonly sends: string | Buffer;
  /** What it does with what comes: reads everything, reads nothing, or takes 64 KiB each time that so many milliseconds are over. */
  readonly reads: 'all' | 'nothing' | number;
}

/** So many connections that are there until `over` aborts; one that is closed is opened again. */
export async function strangers(count: number, port: number, stranger: Stranger, over: AbortSignal): Promise<void> {
  await Promise.all(Array.from({length: count}, () => stay(port, stranger, over)));
}

async function stay(port: number, stranger: Stranger, over: AbortSignal): Promise<void> {
  do await visit(port, stranger, over);
  while (await systemClock.sleep(againMs, over));
}

/** One connection, until its end. */
function visit(port: number, {sends, reads}: Stranger, over: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const visiting = new AbortController();
    const socket = net.connect({port, host: '127.0.0.1'}, () => socket.write(sends));
    const leave = () => socket.destroy();
    over.addEventListener('abort', leave, {once: true});
    if (over.aborted) leave();
    socket.on('error', () => {}); // it is closed then
    socket.once('close', () => {
      visiting.abort();
      over.removeEventListener('abort', leave);
      resolve();
    });
    if (reads === 'nothing') return;
    if (reads === 'all') return void socket.resume();
    socket.on('data', () => socket.pause());
    void takeEvery(reads, socket, visiting.signal);
  });
}

async function takeEvery(ms: number, socket: net.Socket, over: AbortSignal): Promise<void> {
  while (await systemClock.sleep(ms, over)) socket.resume();
}
