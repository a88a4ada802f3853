import {ask, Failure} from './api.js';
import {useCallback, useEffect, useState} from './html.js';

/**
 * What was last read at a path. `failure` says why the newest attempt failed; `data` is then what came before it.
 *
 * @template T
 * @typedef {{data: T | undefined, failure: Failure | undefined, again: () => void}} Polled
 */

/**
 * Reads a path again and again while the page is visible. After a failure it keeps the last data and tries on.
 *
 * @template T
 * @param {string} path
 * @param {number} everyMs 0: only once, and when `again` is called
 * @returns {Polled<T>}
 */
export function usePolled(path, everyMs) {
  const [state, setState] = useState(/** @type {{path: string, data?: T, failure?: Failure | undefined}} */ ({path}));
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn(count => count + 1), []);

  useEffect(
    () =>
      readRepeatedly(path, everyMs, outcome => setState(last => ({...(last.path === path && last), failure: undefined, path, ...outcome}))),
    [path, everyMs, turn],
  );

  const isOfPath = state.path === path;
  return {data: isOfPath ? state.data : undefined, failure: isOfPath ? state.failure : undefined, again};
}

/** A core that does not answer is asked less often. */
const goneMs = 2000;

/**
 * @param {string} path
 * @param {number} everyMs
 * @param {(outcome: {data?: any, failure?: Failure}) => void} tell
 * @returns {() => void} ends it
 */
function readRepeatedly(path, everyMs, tell) {
  const leaving = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const read = async () => {
    /** @type {Failure | undefined} */
    let failure;
    try {
      const data = await ask(path, {signal: leaving.signal});
      if (!leaving.signal.aborted) tell({data});
    } catch (error) {
      if (leaving.signal.aborted) return;
      failure = error instanceof Failure ? error : new Failure('refused', String(error));
      tell({failure});
    }
    const isWorthIt = everyMs > 0 || failure?.kind === 'gone';
    if (!leaving.signal.aborted && isWorthIt) timer = setTimeout(whenSeen, failure ? Math.max(goneMs, everyMs) : everyMs);
  };
  // Nobody sees a hidden page: it asks again as soon as somebody does.
  const whenSeen = () => {
    if (!document.hidden) return void read();
    document.addEventListener('visibilitychange', whenSeen, {once: true, signal: leaving.signal});
  };
  whenSeen();
  return () => {
    leaving.abort();
    clearTimeout(timer);
  };
}
