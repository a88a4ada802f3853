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
    const giveUp = () => late.reject(new Error(`it has not let the core in within ${connectMs / 1000} s`));
    house.givenUp?.addEventListener('abort', giveUp, {once: true});
    const stopTimer = house.clock.after(connectMs, giveUp);
    const sockets = openSockets();
    const connecting = sockets.during(() => connect({...house, givenUp: over.signal}, most));
    try {
      if (house.givenUp?.aborted) giveUp();
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
      house.givenUp?.removeEventListener('abort', giveUp); // from now on the connection is needed until what was taken is over
    }
  };
