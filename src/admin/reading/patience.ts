import type {ServerResponse} from 'node:http';
import type {Clock} from '../../clock.ts';

/** How long a client may take to read what was written to it. */
export const patienceMs = 30_000;

/** Closes the connection of a client that has not read a finished answer in time. */
export function limitReading(response: ServerResponse, clock: Clock, cutOff: () => void): void {
  response.once('prefinish', () => {
    if (response.writableFinished) return;
    const stop = clock.after(patienceMs, () => {
      cutOff();
      response.destroy();
    });
    response.once('close', stop);
  });
}

/** Writes a part of an answer and waits until the client can take more. False when the client has left or was too slow. */
export async function send(response: ServerResponse, text: string, clock: Clock, cutOff: () => void): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(text)) return true;
  const {promise, resolve} = Promise.withResolvers<boolean>();
  const drained = () => resolve(true);
  const closed = () => resolve(false);
  response.once('drain', drained);
  response.once('close', closed);
  const stop = clock.after(patienceMs, () => {
    cutOff();
    response.destroy();
  });
  const goesOn = await promise;
  stop();
  response.off('drain', drained);
  response.off('close', closed);
  return goesOn;
}
