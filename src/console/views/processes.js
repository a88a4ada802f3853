import {useAction} from '../action.js';
import {post} from '../api.js';
import {bytes, count, duration, long, moment} from '../format.js';
import {html} from '../html.js';
import {usePolled} from '../polled.js';
import {Problem, useNow, Waiting} from '../status.js';

/** @typedef {import('../answers.js').CoreProcess} CoreProcess */
/** @typedef {import('../answers.js').ProcessEnd} ProcessEnd */

/** The processes of the core and of the function, those that ended and why, and a button for newer code. */
export function Processes() {
  /** @type {import('../polled.js').Polled<{cores: CoreProcess[]}>} */
  const {data, failure, again} = usePolled('api/processes', 2000);
  const reload = useAction(async () => {
    await post('api/reload');
    again();
    return true;
  });
  if (!data) return html`<${Waiting} failure=${failure} what="The processes" />`;
  const ends = data.cores.flatMap(core => core.ends).toSorted((one, other) => (one.at < other.at ? 1 : -1));
  return html`
    <${Problem} failure=${failure} />
    <div class="bar">
      <p class="dim grow">A reload starts the code that is on the disk now beside the old one, and lets it take over when it is ready.</p>
      <button type="button" disabled=${reload.isBusy} onClick=${() => reload.run()}>${reload.isBusy ? 'Reloading…' : 'Reload the function'}</button>
    </div>
    <div role="status">${reload.result && html`<p class="good-text">Reloaded: the new code is serving.</p>`}</div>
    <${Problem} failure=${reload.failure} what="Not reloaded" />
    ${data.cores.map(core => html`<${Core} key=${core.pid} core=${core} isOnly=${data.cores.length === 1} />`)}
    <section>
      <h2>Ended</h2>
      ${ends.length === 0 ? html`<p class="empty">No process of the function has ended since the core started.</p>` : ends.map(end => html`<${End} key=${`${end.at} ${end.pid}`} ...${end} />`)}
    </section>
  `;
}

/** @param {{core: CoreProcess, isOnly: boolean}} props */
function Core({core: {pid, leader, residentBytes, places}, isOnly}) {
  const now = useNow(1000);
  return html`<section>
    <h2>Core process ${pid}${!isOnly && leader ? ' (the first)' : ''} <span class="dim">${bytes(residentBytes)}</span></h2>
    <div class="scrolls" tabindex="0" role="region" aria-label=${`Sub-runtimes of core process ${pid}`}>
      <table class="table narrow">
        <thead>
          <tr>
            <th scope="col">Place</th><th scope="col">State</th><th scope="col" class="number">Process</th><th scope="col">Role</th>
            <th scope="col" class="number">Calls</th><th scope="col" class="number">Memory</th><th scope="col">Up since</th>
          </tr>
        </thead>
        <tbody>
          ${places.flatMap((place, index) => placeRows(place, index, now))}
        </tbody>
      </table>
    </div>
    ${places.map(({error}, index) => error && html`<div key=${index} class="problem"><p><b>Place ${index + 1}</b></p><pre>${error}</pre></div>`)}
  </section>`;
}

const tones = /** @type {Record<string, string>} */ ({ready: 'good', booting: 'warn', broken: 'bad', 'gave-up': 'bad', exited: 'bad'});

/**
 * @param {import('../answers.js').ProcessPlace} place
 * @param {number} index
 * @param {number} now
 */
function placeRows({phase, processes}, index, now) {
  const state = html`<span class="pill ${tones[phase] ?? 'dim'}">${phase}</span>`;
  if (processes.length === 0)
    return [html`<tr key=${index}><td>${index + 1}</td><td>${state}</td><td colspan="5" class="dim">no process</td></tr>`];
  return processes.map(
    ({pid, role, spawnedAt, calls, residentBytes}) => html`<tr key=${pid}>
      <td>${index + 1}</td>
      <td>${state}</td>
      <td class="number">${pid}</td>
      <td>${role}</td>
      <td class="number">${count(calls)}</td>
      <td class="number">${bytes(residentBytes)}</td>
      <td>${moment(spawnedAt)} <span class="dim">${long(now - Date.parse(spawnedAt))}</span></td>
    </tr>`,
  );
}

/** @param {ProcessEnd} props */
const End = ({at, pid, reason, code, signal, upMs, lastWords, sentence}) => html`<div class="end">
  <p>
    <time datetime=${at}>${moment(at)}</time>
    <span class="pill ${/^(reloaded|stopped|exit-zero)$/.test(reason) ? 'dim' : 'bad'}">${reason}</span>
    <span>${sentence ?? `It ended ${signal ? `by ${signal}` : `with code ${code}`}`}</span>
    <span class="dim">process ${pid ?? '–'}, up ${duration(upMs)}</span>
  </p>
  ${lastWords && html`<pre aria-label="Its last words">${lastWords}</pre>`}
</div>`;
