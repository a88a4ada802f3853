import type {Connect} from './message.ts';
import {openSockets} from './open-sockets.ts';

/** Longer than any broker takes that means to let a core in. */
const connectMs = 30_000;

/**
A broker that takes a connection and then says nothing is away, too. Whatever a connection that is not made has opened is closed;
so is one that comes after all.
*/
export const inTime =
  (connect: Connect): Connect =>
  async (house, most) => {
    const [late, over] = [Promise.withResolvers<never>(), new AbortController()];
    const givenUp = house.givenUp ? AbortSignal.any([house.givenUp, over.signal]) : over.signal;
    const giveUp = () => late.reject(new Error(`it has not let the core in within ${connectMs / 1000} s`));
    givenUp.addEventListener('abort', giveUp, {once: true});
    const stopTimer = house.clock.after(connectMs, () => over.abort());
    const sockets = openSockets();
    const connecting = sockets.during(() => connect({...house, givenUp}, most));
    try {
      if (givenUp.aborted) giveUp();
      const connection = await Promise.race([connecting, late.promise]);
      sockets.keep();
      return connection;
    } catch (error) {
      over.abort();
      connecting.then(
        connection => connection[Symbol.asyncDispose](),
        () => {},
      );
      sockets.destroy();
      throw error;
    } finally {
      stopTimer();
      givenUp.removeEventListener('abort', giveUp);
    }
  };
