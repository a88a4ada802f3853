import {duration} from '../format.js';
import {html} from '../html.js';

/** @typedef {import('../answers.js').InvocationAnswer} InvocationAnswer */

const names = /** @type {Record<string, string>} */ ({started: 'process started'});
const tones = /** @type {Record<string, string>} */ ({accepted: 'dim', waited: 'warn', started: 'warn', answered: 'dim'});

/**
 * Where the time went, from the acceptance to the answer.
 *
 * @param {{invocation: InvocationAnswer}} props
 */
export function Waterfall({invocation: {phases = [], durationMs = 0, status}}) {
  if (phases.length === 0) return null;
  const wholeMs = Math.max(durationMs, ...phases.map(({fromMs, ms}) => fromMs + ms), 0.001);
  const called = status === 'responded' ? 'good' : 'bad';
  return html`<section>
    <h3>Where the time went</h3>
    <ol class="waterfall">
      ${phases.map(
        ({phase, fromMs, ms}) => html`<li key=${phase}>
          <span class="name">${names[phase] ?? phase}</span>
          <span class="track" aria-hidden="true">
            <i class=${tones[phase] ?? called} style=${{left: share(fromMs, wholeMs), width: share(ms, wholeMs)}}></i>
          </span>
          <span class="number">${duration(ms)}</span>
        </li>`,
      )}
    </ol>
  </section>`;
}

/** @param {number} ms @param {number} wholeMs */
const share = (ms, wholeMs) => `${((ms / wholeMs) * 100).toFixed(3)}%`;
