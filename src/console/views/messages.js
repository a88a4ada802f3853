import {count, long, moment} from '../format.js';
import {html} from '../html.js';
import {usePolled} from '../polled.js';
import {linkTo} from '../route.js';
import {Problem, useNow, Waiting} from '../status.js';

/** @typedef {import('../answers.js').MessageTrigger} MessageTrigger */

/** The triggers for messages: whether each is connected, what it holds, what waits at its broker, and what became of messages. */
export function View() {
  /** @type {import('../polled.js').Polled<{triggers: MessageTrigger[]}>} */
  const {data, failure} = usePolled('api/messages', 2000);
  const now = useNow(1000);
  if (!data) return html`<${Waiting} failure=${failure} what="The messages" />`;
  return html`
    <${Problem} failure=${failure} />
    ${data.triggers.length === 0 && html`<p class="empty">No trigger for messages is open. <code>CORE_TRIGGERS</code> lists them.</p>`}
    ${data.triggers.map(trigger => html`<${Trigger} key=${trigger.name} trigger=${trigger} now=${now} />`)}
  `;
}

const names = /** @type {const} */ ([
  ['done', 'done'],
  ['accepted', 'taken by work'],
  ['given-back', 'given back'],
  ['buried', 'put aside'],
  ['duplicate', 'came again'],
  ['unacknowledged', 'not acknowledged'],
]);

/** @param {{trigger: MessageTrigger, now: number}} props */
function Trigger({trigger: {name, system, ack, connected, problem, held, most, waiting, oldestAt, outcomes}, now}) {
  const pill = connected ? html`<span class="pill good">connected</span>` : html`<span class="pill bad">away</span>`;
  return html`<section>
    <h2>${name} <span class="dim">${system}</span> ${pill}</h2>
    ${problem && html`<div class="problem"><pre>${problem}</pre></div>`}
    <div class="scrolls" tabindex="0" role="region" aria-label=${`Messages of ${name}`}>
      <table class="table narrow">
        <thead>
          <tr>
            <th scope="col" class="number">Held</th><th scope="col" class="number">Waiting</th><th scope="col">Oldest</th>
            ${names.map(([key, title]) => (key in outcomes || key === 'done') && html`<th scope="col" class="number">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          <tr>
            <td class="number">${count(held)} <span class="dim">of ${count(most)}</span></td>
            <td class="number">${waiting === undefined ? '–' : count(waiting)}</td>
            <td>${oldestAt === undefined ? '–' : html`${moment(oldestAt)} <span class="dim">${long(now - Date.parse(oldestAt))}</span>`}</td>
            ${names.map(([key]) => (key in outcomes || key === 'done') && html`<td class="number">${count(outcomes[key] ?? 0)}</td>`)}
          </tr>
        </tbody>
      </table>
    </div>
    <p class="dim">
      ${ack === 'accepted' ? 'Acknowledged when work has them.' : 'Acknowledged when the function has succeeded.'}${' '}
      <a href=${linkTo('invocations', '', {source: name})}>Its invocations</a>
    </p>
  </section>`;
}
