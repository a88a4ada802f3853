import {clock, long} from './format.js';
import {html, useEffect, useState} from './html.js';

/** @typedef {import('./api.js').Failure} Failure */

/**
 * What stands in place of data that is not here: why, or that it is on its way.
 *
 * @param {{failure: Failure | undefined, what: string}} props
 */
export function Waiting({failure, what}) {
  if (failure?.kind === 'gone') return html`<p class="empty">${failure.message} ${what} will be shown when it does.</p>`;
  if (failure) return html`<${Problem} failure=${failure} />`;
  return html`<p class="empty" role="status">Loading ${what.toLowerCase()}…</p>`;
}

/**
 * The core's own sentence about why it said no. A core that is gone has a line of its own at the top of the page.
 *
 * @param {{failure: Failure | undefined, what?: string}} props
 */
export function Problem({failure, what = ''}) {
  if (!failure || failure.kind === 'gone') return null;
  return html`<p class="problem" role="alert">${what && `${what}: `}${failure.message}</p>`;
}

/**
 * Says for how long the core has not answered. The page keeps what it had, and goes on when the core is back.
 *
 * @param {{failure: Failure | undefined}} props
 */
export function GoneLine({failure}) {
  const isGone = failure?.kind === 'gone';
  const [since, setSince] = useState(0);
  const now = useNow(isGone ? 1000 : 0);
  useEffect(() => setSince(isGone ? Date.now() : 0), [isGone]);
  return html`<div role="status" class="gone-place">
    ${
      isGone &&
      since > 0 &&
      html`<p class="gone">
        <b>The core does not answer</b> since ${clock(since)}<span aria-hidden="true"> (${long(Math.max(0, now - since))})</span>.${failure.status > 0 && ` ${failure.message}`} Below is the
        last that it said; this page goes on when it is back.
      </p>`
    }
  </div>`;
}

/**
 * The time, as it passes.
 *
 * @param {number} everyMs 0: it stands still
 */
export function useNow(everyMs) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (everyMs === 0) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
