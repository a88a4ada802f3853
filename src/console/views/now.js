import {Figure} from '../figure.js';
import {bytes, count, duration, long, moment, plural} from '../format.js';
import {html, useState} from '../html.js';
import {Plot} from '../plot.js';
import {usePolled} from '../polled.js';
import {Problem, useNow, Waiting} from '../status.js';
import {plots} from './now-plots.js';

/** @typedef {import('../answers.js').NowAnswer} NowAnswer */

const windows = {'1h': {label: 'last hour', spanS: 3600, everyMs: 10_000}, '1m': {label: 'last minute', spanS: 60, everyMs: 1000}};
/** A core that is younger has not much of an hour to show. */
const youngMs = 5 * 60_000;

/**
 * How the function does at this moment, and how it did in the last hour.
 *
 * @param {import('../app.js').ViewProps} props
 */
export function Now({now: {data, failure}}) {
  if (!data) return html`<${Waiting} failure=${failure} what="The state of the core" />`;
  return html`
    <${Problem} failure=${failure} />
    <${Cause} now=${data} />
    <${Figures} now=${data} />
    <${Plots} isYoung=${Date.parse(data.at) - Date.parse(data.core.startedAt) < youngMs} />
    <${Facts} now=${data} />
  `;
}

/** @param {{now: NowAnswer}} props */
function Cause({now: {readiness}}) {
  if (readiness.ready) return null;
  return html`<div class="problem" role="alert">
    <p><b>The function does not take calls: ${readiness.phase}.</b></p>
    ${readiness.cause && html`<pre>${readiness.cause}</pre>`}
  </div>`;
}

/** @param {{now: NowAnswer}} props */
function Figures({now: {rates, times, queue, subRuntimes, memory, totals}}) {
  const held = memory.coreBytes + memory.functionBytes;
  return html`<dl class="figures">
    <${Figure}
      label="Requests"
      value=${count(rates.requests)}
      unit="/s"
      more=${[`${count(totals.requests)} since the start`, ...otherCalls(totals)].join('; ')}
    />
    <${Figure}
      label="Errors"
      value=${count(rates.errors)}
      unit="/s"
      more=${`${count(totals.errors)} since the start`}
      tone=${rates.errors > 0 ? 'bad' : ''}
    />
    <${Figure} label="Median time" value=${duration(times.p50Ms ?? undefined)} more="p50" />
    <${Figure} label="Slowest hundredth" value=${duration(times.p99Ms ?? undefined)} more="p99" />
    <${Figure}
      label="In flight"
      value=${count(queue.inFlight)}
      more=${`${count(queue.waiting)} of ${count(queue.longest)} waiting`}
      tone=${queue.waiting > 0 ? 'warn' : ''}
    />
    <${Figure}
      label="Sub-runtimes"
      value=${count(subRuntimes.ready)}
      unit=${` of ${count(subRuntimes.wanted)}`}
      more=${plural(totals.restarts, 'restart')}
      tone=${subRuntimes.ready === 0 ? 'bad' : ''}
    />
    <${Figure} label="Memory" value=${bytes(held)} more=${`core ${bytes(memory.coreBytes)}, function ${bytes(memory.functionBytes)}`} />
  </dl>`;
}

/**
 * Calls that are no requests, such as those of schedules, in words: `3 other calls, 1 failed`.
 *
 * @param {NowAnswer['totals']} totals
 */
function otherCalls({otherCalls, otherFailures}) {
  if (!otherCalls) return [];
  return [`${plural(otherCalls, 'other call')}${otherFailures > 0 ? `, ${count(otherFailures)} failed` : ''}`];
}

/** @param {{isYoung: boolean}} props */
function Plots({isYoung}) {
  const [span, setSpan] = useState(/** @type {keyof typeof windows} */ (isYoung ? '1m' : '1h'));
  /** @type {import('../polled.js').Polled<import('../answers.js').HistoryAnswer>} */
  const {data, failure} = usePolled(`api/history?window=${span}`, windows[span].everyMs);
  return html`<section aria-label="Plots">
    <div class="bar">
      <h2>History</h2>
      <div class="switch" role="group" aria-label="Span of the plots">
        ${Object.entries(windows).map(
          ([key, {label}]) =>
            html`<button type="button" aria-pressed=${key === span ? 'true' : 'false'} onClick=${() => setSpan(/** @type {keyof typeof windows} */ (key))}>
              ${label}
            </button>`,
        )}
      </div>
    </div>
    <${Problem} failure=${failure} />
    <div class="plots">
      ${plots.map(plot => html`<${Plot} key=${plot.title} ...${plot} columns=${data?.columns} spanS=${windows[span].spanS} />`)}
    </div>
  </section>`;
}

/** @param {{now: NowAnswer}} props */
function Facts({now: {function: served, core}}) {
  const now = useNow(1000);
  const rows = [
    ['Handler', served.handler],
    ['Language', served.language],
    ['Version', served.version],
    ['Address', `${served.url}${served.public ? '' : ' (private: callers need a token)'}`],
    ['Core', `core-runtime ${core.version}, Node ${core.node}, process ${core.pid}`],
    ['Core processes', core.processes > 1 ? `${core.processesUp} of ${core.processes} up` : ''],
    ['Started', `${moment(core.startedAt)}, ${long(now - Date.parse(core.startedAt))} ago`],
  ];
  return html`<section aria-label="Function and core">
    <h2>Function and core</h2>
    <dl class="facts">
      ${rows.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  </section>`;
}
