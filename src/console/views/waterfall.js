import {duration} from '../format.js';
import {html} from '../html.js';

/** @typedef {import('../answers.js').InvocationAnswer} InvocationAnswer */
/** @typedef {{name: string, fromMs: number, toMs: number, tone: string}} Phase milliseconds since it was accepted */

/**
 * Where the time went, from the acceptance to the answer.
 *
 * @param {{invocation: InvocationAnswer}} props
 */
export function Waterfall({invocation}) {
  const phases = phasesOf(invocation);
  const whole = Math.max(...phases.map(({toMs}) => toMs), 0.001);
  if (phases.length === 0) return null;
  return html`<section>
    <h3>Where the time went</h3>
    <ol class="waterfall">
      ${phases.map(
        ({name, fromMs, toMs, tone}) => html`<li key=${name}>
          <span class="name">${name}</span>
          <span class="track" aria-hidden="true">
            <i class=${tone} style=${{left: `${(fromMs / whole) * 100}%`, width: `${Math.max(0.4, ((toMs - fromMs) / whole) * 100)}%`}}></i>
          </span>
          <span class="number">${duration(toMs - fromMs)}</span>
        </li>`,
      )}
    </ol>
  </section>`;
}

/**
 * The phases that the facts tell apart.
 *
 * @param {InvocationAnswer} invocation
 * @returns {Phase[]}
 */
export function phasesOf({facts, durationMs, acceptedAt}) {
  const start = acceptedAt ?? Date.parse(facts[0]?.at ?? '');
  /** @type {Phase[]} */
  const phases = [];
  let begun = 0;
  for (const {type, at, data} of facts) {
    const ms = Date.parse(at) - start;
    if (type === 'attempt.started') {
      if (ms > begun)
        phases.push({name: data.attempt > 1 ? `waited for attempt ${data.attempt}` : 'waited', fromMs: begun, toMs: ms, tone: 'dim'});
      begun = ms;
    }
    if (type === 'attempt.failed') {
      phases.push({name: `attempt ${data.attempt} failed`, fromMs: begun, toMs: ms, tone: 'bad'});
      begun = ms;
    }
  }
  if (durationMs === undefined) return phases;
  const tone = facts.at(-1)?.data.outcome === 'responded' ? 'good' : 'bad';
  return [...phases, {name: 'called', fromMs: begun, toMs: Math.max(begun, durationMs), tone}];
}
