import {useAction} from '../action.js';
import {post} from '../api.js';
import {clock, count, distance, duration, moment, momentIn} from '../format.js';
import {html} from '../html.js';
import {usePolled} from '../polled.js';
import {linkTo} from '../route.js';
import {Problem, useNow, Waiting} from '../status.js';

/** @typedef {import('../answers.js').Schedule} Schedule */
/** @typedef {import('../answers.js').Occurrence} Occurrence */

/** The schedules: what is due, what became of earlier occurrences, and buttons to fire and to pause. */
export function Schedules() {
  /** @type {import('../polled.js').Polled<{schedules: Schedule[]}>} */
  const {data, failure, again} = usePolled('api/schedules', 5000);
  if (!data) return html`<${Waiting} failure=${failure} what="The schedules" />`;
  return html`
    <${Problem} failure=${failure} />
    ${
      data.schedules.length === 0 &&
      html`<p class="empty">This function has no schedules. <code>CORE_SCHEDULES</code> sets when it is called by the clock.</p>`
    }
    ${data.schedules.map(schedule => html`<${Card} key=${schedule.name} schedule=${schedule} onChanged=${again} />`)}
  `;
}

/** @param {{schedule: Schedule, onChanged: () => void}} props */
function Card({schedule, onChanged}) {
  const {name, cron, timezone, catchUp, overlap, jitter, delivery, next, paused = false, pausedAt} = schedule;
  const now = useNow(1000);
  const path = `api/schedules/${encodeURIComponent(name)}`;
  /** @type {import('../polled.js').Polled<{occurrences: Occurrence[]}>} */
  const history = usePolled(`${path}/history?limit=20`, 5000);
  const fire = useAction(async () => {
    const fired = await post(`${path}/fire`);
    history.again();
    return fired;
  });
  const turn = useAction(async () => {
    await post(`${path}/${paused ? 'resume' : 'pause'}`);
    onChanged();
  });
  const [soonest, ...later] = next;
  return html`<section class="card" aria-label=${`Schedule ${name}`}>
    <div class="bar">
      <h2>${name}</h2>
      ${paused && html`<span class="pill warn">paused${pausedAt && ` since ${moment(pausedAt)}`}</span>`}
      <span class="grow"></span>
      <button type="button" disabled=${fire.isBusy} onClick=${() => fire.run()}>${fire.isBusy ? 'Running…' : 'Fire now'}<span class="sr">: ${name}</span></button>
      <button type="button" disabled=${turn.isBusy} onClick=${() => turn.run()}>${paused ? 'Resume' : 'Pause'}<span class="sr">: ${name}</span></button>
    </div>
    <div role="status">
      ${
        fire.result &&
        html`<p>
          ${fire.result.handedOn ? 'Handed on to work' : `Fired: ${fire.result.error ?? `status ${fire.result.status}`}`}${fire.result.waits ? '; it is delivered again' : ''},
          ${' '}<a href=${linkTo('invocations', fire.result.invocationId)}>see the invocation</a>
        </p>`
      }
      <${Problem} failure=${fire.failure} what="Not fired" />
      <${Problem} failure=${turn.failure} what=${paused ? 'Not resumed' : 'Not paused'} />
    </div>
    <dl class="facts">
      <div><dt>When</dt><dd><code>${cron}</code> in ${timezone}</dd></div>
      <div class="whole">
        <dt>Next</dt>
        <dd>
          ${paused ? html`<span class="dim">not while it is paused</span>` : soonest ? html`<b>${momentIn(soonest, timezone)}</b> <span class="dim">${distance(Date.parse(soonest), now)}</span>` : 'never'}
          ${!paused && later.length > 0 && html`<span class="dim">, then ${later.map(each => momentIn(each, timezone).replace(` ${timezone}`, '')).join(', ')}</span>`}
        </dd>
      </div>
      <div><dt>Catch up</dt><dd>${catchUp}</dd></div>
      <div><dt>Overlap</dt><dd>${overlap}</dd></div>
      <div><dt>Jitter</dt><dd>${jitter}</dd></div>
      ${delivery === 'work' && html`<div><dt>Delivered by</dt><dd>work</dd></div>`}
    </dl>
    <${History} history=${history} name=${name} />
  </section>`;
}

/** @param {{history: import('../polled.js').Polled<{occurrences: Occurrence[]}>, name: string}} props */
function History({history: {data, failure}, name}) {
  if (!data) return html`<${Waiting} failure=${failure} what="The history" />`;
  if (data.occurrences.length === 0) return html`<p class="empty">Nothing has run yet.</p>`;
  return html`<div class="scrolls" tabindex="0" role="region" aria-label=${`History of ${name}`}>
    <table class="table narrow">
      <thead>
        <tr><th scope="col">Occurrence</th><th scope="col">Outcome</th><th scope="col" class="number">Time</th><th scope="col">Invocation</th></tr>
      </thead>
      <tbody>
        ${data.occurrences.map(each => html`<${OccurrenceRow} key=${each.invocationId ?? each.occurrence + each.type} ...${each} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {Occurrence} props */
function OccurrenceRow({
  occurrence,
  type,
  invocationId,
  attempt = 1,
  manual,
  status,
  replyStatus,
  durationMs,
  reason,
  delivery,
  count: missed = 1,
}) {
  const notes = [manual && 'by hand', attempt > 1 && `attempt ${attempt}`, delivery === 'work' && 'with work'].filter(Boolean).join(', ');
  return html`<tr>
    <td>${moment(occurrence)} ${notes && html`<span class="dim">${notes}</span>`}</td>
    <td>
      ${
        type === 'missed'
          ? html`<span class="warn-text">missed${missed > 1 ? ` ${count(missed)} times` : ''}: ${reason}</span>`
          : html`<span class=${status === 'failed' || status === 'dead-lettered' ? 'bad-text' : ''}>${status ?? 'running'}</span> ${replyStatus ?? ''}`
      }
    </td>
    <td class="number">${type === 'missed' ? '' : duration(durationMs)}</td>
    <td>${invocationId && html`<a href=${linkTo('invocations', invocationId)}>open<span class="sr"> the run of ${clock(occurrence)}</span></a>`}</td>
  </tr>`;
}
