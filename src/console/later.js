import {html, useEffect, useState} from './html.js';
import {Waiting} from './status.js';

/** @typedef {(props: any) => any} Component */

const againMs = 2000;

/**
 * A view whose code is loaded when it is first opened. While the core does not answer, it is asked for again and again.
 *
 * @param {() => Promise<{View: Component}>} load
 * @param {string} what is on its way
 * @returns {Component}
 */
export function later(load, what) {
  /** @type {Component | undefined} */
  let View;
  return function Later(props) {
    const [, setLoaded] = useState(View !== undefined);
    useEffect(() => {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      let isOver = false;
      const tryIt = async () => {
        const module = await load().catch(() => undefined);
        if (module) View = module.View;
        if (isOver) return;
        if (module) setLoaded(true);
        else timer = setTimeout(tryIt, againMs);
      };
      if (!View) void tryIt();
      return () => {
        isOver = true;
        clearTimeout(timer);
      };
    }, []);
    return View ? html`<${View} ...${props} />` : html`<${Waiting} failure=${undefined} what=${what} />`;
  };
}
