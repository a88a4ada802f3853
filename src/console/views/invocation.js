import {bytes, duration, moment} from '../format.js';
import {html, useEffect, useRef} from '../html.js';
import {usePolled} from '../polled.js';
import {linkTo} from '../route.js';
import {Problem, Waiting} from '../status.js';
import {LogLines} from './log-lines.js';
import {Payload} from './payload.js';
import {Replay} from './replay.js';
import {Waterfall} from './waterfall.js';

/** @typedef {import('../answers.js').InvocationAnswer} InvocationAnswer */

/**
 * Everything that is known about one invocation.
 *
 * @param {{id: string, back: string, now: import('../answers.js').NowAnswer | undefined}} props
 */
export function Invocation({id, back, now}) {
  const path = `api/invocations/${encodeURIComponent(id)}`;
  const isOver = useRef(false);
  /** @type {import('../polled.js').Polled<InvocationAnswer>} */
  const {data, failure} = usePolled(path, isOver.current ? 0 : 1000);
  isOver.current = data !== undefined && data.status !== 'running';
  const head = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    // So that a screen reader and the Tab key go on here.
    head.current?.focus();
  }, []);
  return html`<article class="detail" aria-label="Invocation">
    <div class="bar">
      <a href=${back} class="back">Close</a>
      <h2 tabindex="-1" ref=${head} class="grow">Invocation <code>${id}</code></h2>
    </div>
    ${
      data
        ? html`<${Problem} failure=${failure} /><${Known} path=${path} invocation=${data} now=${now} />`
        : html`<${Waiting} failure=${failure} what="The invocation" />`
    }
  </article>`;
}

/** @param {{path: string, invocation: InvocationAnswer, now: import('../answers.js').NowAnswer | undefined}} props */
function Known({path, invocation, now}) {
  const {request, reply, facts} = invocation;
  return html`
    <${Outcome} invocation=${invocation} hasWork=${now?.work === true} />
    <${Waterfall} invocation=${invocation} />
    <${LogLines} invocation=${invocation} />
    ${request && html`<${Payload} title="Request" payload=${request} path=${`${path}/request`} url=${now?.function.url ?? ''} />`}
    ${reply && html`<${Payload} title="Reply" payload=${reply} path=${`${path}/reply`} url="" />`}
    ${request && html`<${Replay} path=${path} />`}
    ${
      !request &&
      !reply &&
      html`<p class="empty">Its request and reply are not kept. <code>CORE_JOURNAL_HTTP=full</code> keeps them, for replay.</p>`
    }
    <details>
      <summary>Facts of the journal (${facts.length})</summary>
      <pre class="breaks">${facts.map(({at, type, data}) => `${at}  ${type}  ${JSON.stringify(data)}`).join('\n')}</pre>
    </details>
  `;
}

/** Statuses in which an invocation is an item of work. */
const worksOn = ['running', 'dead-lettered'];

/** @param {{invocation: InvocationAnswer, hasWork: boolean}} props */
function Outcome({invocation, hasWork}) {
  const {
    id,
    status,
    pending,
    replyStatus,
    code,
    fault,
    durationMs,
    source,
    bytes: size,
    acceptedAt,
    pid,
    schedule,
    boot,
    traceId,
    traceUrl,
  } = invocation;
  const process = boot?.processes.findLast(each => each.pid === pid);
  const trace =
    traceUrl !== undefined && /^https?:\/\//i.test(traceUrl)
      ? html`<a href=${traceUrl} rel="noreferrer" target="_blank">${traceId}</a>`
      : traceId;
  const rows = [
    [
      'Outcome',
      html`<span class=${status === 'responded' ? '' : status === 'running' ? 'dim' : 'bad-text'}>${pending ?? status}</span>${replyStatus ? `, status ${replyStatus}` : ''}`,
    ],
    [
      'Error',
      code && html`<code>${code}</code> <span class="dim">${fault?.message}${fault?.cause === undefined ? '' : `: ${fault.cause}`}</span>`,
    ],
    ['Took', durationMs !== undefined && duration(durationMs)],
    ['Accepted', acceptedAt && moment(acceptedAt)],
    ['From', source],
    [
      'Schedule',
      schedule &&
        html`<a href=${linkTo('schedules')}>${schedule.name}</a>, occurrence ${moment(schedule.occurrence)}${schedule.manual ? ', by hand' : ''}${schedule.attempt > 1 ? `, attempt ${schedule.attempt}` : ''}`,
    ],
    [
      'Work',
      hasWork &&
        worksOn.includes(status) &&
        source === 'work' &&
        html`<a href=${linkTo('work', id, {list: status === 'dead-lettered' ? 'dead' : ''})}>where it stands</a>`,
    ],
    ['Event', size !== undefined && bytes(size)],
    [
      'Process',
      pid !== undefined && `${pid}${process ? ` (${process.executable ?? 'unknown'}), started ${moment(process.spawnedAt)}` : ''}`,
    ],
    ['Code', boot?.codeDigest && html`<code title=${boot.codeDigest}>sha256 ${boot.codeDigest.slice(0, 12)}</code>`],
    ['Trace', traceId && trace],
  ];
  return html`<dl class="facts">
    ${rows.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
