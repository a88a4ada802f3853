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
 * The phases that the facts tell apart. An older journal knows only when it began and when it was over.
 *
 * @param {Pick<InvocationAnswer, 'facts' | 'durationMs' | 'acceptedAt'>} invocation
 * @returns {Phase[]}
 */
export function phasesOf({facts, durationMs, acceptedAt}) {
  const start = acceptedAt ?? Date.parse(facts[0]?.at ?? '');
  const attempts = attemptsOf(facts, start);
  const begun = attempts.at(-1)?.toMs ?? 0;
  if (durationMs === undefined) return attempts;
  const {outcome, waitedMs = 0, cold, calledAtMs, calledMs} = facts.findLast(({type}) => type === 'invocation.settled')?.data ?? {};
  const tone = outcome === 'responded' ? 'good' : 'bad';
  if (calledAtMs === undefined) return [...attempts, {name: 'whole', fromMs: begun, toMs: Math.max(begun, durationMs), tone}];
  const calledUntil = calledMs === undefined ? durationMs : calledAtMs + calledMs;
  return [
    ...attempts,
    {name: 'accepted', fromMs: begun, toMs: calledAtMs - waitedMs, tone: 'dim'},
    {name: cold ? 'started a process' : 'waited', fromMs: calledAtMs - waitedMs, toMs: calledAtMs, tone: 'warn'},
    {name: 'called', fromMs: calledAtMs, toMs: calledUntil, tone},
    {name: 'answered', fromMs: calledUntil, toMs: durationMs, tone: 'dim'},
  ].map(phase => ({...phase, toMs: Math.max(phase.fromMs, phase.toMs)}));
}

/**
 * Attempts that failed, of a delivery that is tried again.
 *
 * @param {InvocationAnswer['facts']} facts
 * @param {number} start
 * @returns {Phase[]}
 */
function attemptsOf(facts, start) {
  let begun = 0;
  return facts
    .filter(({type}) => type === 'attempt.failed')
    .map(({at, data}) => {
      const phase = {name: `attempt ${data.attempt}`, fromMs: begun, toMs: Date.parse(at) - start, tone: 'bad'};
      begun = phase.toMs;
      return phase;
    });
}
