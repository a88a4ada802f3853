import {useAction} from '../../action.js';
import {ask, post} from '../../api.js';
import {count, distance, duration, moment} from '../../format.js';
import {html, useEffect, useRef} from '../../html.js';
import {usePolled} from '../../polled.js';
import {linkTo} from '../../route.js';
import {Problem, useNow, Waiting} from '../../status.js';
import {Payload} from '../payload.js';
import {attemptsOf} from './attempts.js';
import {Drop} from './drop.js';
import {whyDead} from './words.js';

/** @typedef {import('../../answers.js').WorkItem & {facts: import('../../answers.js').Fact[]}} OneItem */

/**
 * One item of work: where it stands, what was tried, its request and its last reply, and what can be done with it.
 *
 * @param {{id: string, back: string, now: import('../../answers.js').NowAnswer | undefined, onChanged: () => void}} props
 */
export function Item({id, back, now, onChanged}) {
  /** @type {import('../../polled.js').Polled<OneItem>} */
  const {data, failure, again} = usePolled(`api/work/${encodeURIComponent(id)}`, 2000);
  const head = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    // So that a screen reader and the Tab key go on here.
    head.current?.focus();
  }, []);
  const changed = () => {
    again();
    onChanged();
  };
  return html`<article class="detail" aria-label="Item of work">
    <div class="bar">
      <a href=${back} class="back">Close</a>
      <h2 tabindex="-1" ref=${head} class="grow">Work <code>${id}</code></h2>
    </div>
    <p><a href=${linkTo('invocations', id)}>Everything about this invocation</a></p>
    ${
      failure?.status === 404
        ? html`<p class="empty" role="status">It has ended, or was dropped: it is no work any more.</p>`
        : data
          ? html`<${Problem} failure=${failure} /><${Known} item=${data} now=${now} onChanged=${changed} />`
          : html`<${Waiting} failure=${failure} what="The item" />`
    }
  </article>`;
}

/** @param {{item: OneItem, now: import('../../answers.js').NowAnswer | undefined, onChanged: () => void}} props */
const Known = ({item, now, onChanged}) => html`
  <${Standing} item=${item} />
  ${!item.posting && html`<${Acts} item=${item} onChanged=${onChanged} />`}
  <${Attempts} facts=${item.facts} />
  <${Payloads} item=${item} url=${now?.function.url ?? ''} />
`;

/** @param {{item: OneItem}} props */
function Standing({item: {status, posting, acceptedAt, due, attempts, mostAttempts, expires, orderingKey, callbackHost, reason, deadAt}}) {
  const now = useNow(1000);
  const rows = [
    [
      'Status',
      html`<span class=${status === 'dead' ? 'bad-text' : ''}>${status === 'dead' ? 'dead letter' : posting ? 'over: its reply is to be posted' : status}</span>`,
    ],
    ['Why', reason && `${whyDead(reason)} Last failure: ${reason.class}, status ${reason.status}.`],
    ['Since', deadAt !== undefined && `${moment(deadAt)}, ${distance(deadAt, now)}`],
    ['Accepted', `${moment(acceptedAt)}, ${distance(acceptedAt, now)}`],
    ['Due', status === 'waiting' && (due <= now ? 'now' : `${moment(due)}, ${distance(due, now)}`)],
    [posting ? 'Posts' : 'Attempts', `${count(attempts)}${mostAttempts === undefined ? '' : ` of ${count(mostAttempts)}`}`],
    ['Expires', expires !== undefined && moment(expires)],
    ['Ordering key', orderingKey],
    ['Callback to', callbackHost],
  ];
  return html`<dl class="facts">
    ${rows.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** @param {{item: OneItem, onChanged: () => void}} props */
function Acts({item: {id, status}, onChanged}) {
  const send = useAction(async () => {
    await post('api/dead/redrive', {ids: [id]});
    onChanged();
  });
  const cancel = useAction(async () => {
    const answer = await ask(`api/work/${encodeURIComponent(id)}`, {method: 'DELETE'});
    onChanged();
    return answer;
  });
  return html`<div class="stack">
    <div class="bar">
      ${
        status === 'dead'
          ? html`<button type="button" onClick=${() => send.run()}>Send it again</button>
              <${Drop} key="drop" ids=${[id]} label="Drop it" onDropped=${onChanged} />`
          : html`<button type="button" onClick=${() => cancel.run()}>${status === 'running' ? 'Ask it to stop' : 'Cancel it'}</button>`
      }
    </div>
    <div role="status">
      ${cancel.result && html`<p>${cancel.result.cancelled ? 'Cancelled.' : 'It runs, and was asked to stop.'}</p>`}
      <${Problem} failure=${send.failure} what="Not sent" />
      <${Problem} failure=${cancel.failure} what="Not cancelled" />
    </div>
  </div>`;
}

/** @param {{facts: OneItem['facts']}} props */
function Attempts({facts}) {
  const attempts = attemptsOf(facts);
  if (attempts.length === 0) return null;
  return html`<section aria-label="Attempts">
    <h3>Attempts</h3>
    <ol class="lines">
      ${attempts.map(
        ({at, attempt, class: kind, code, outcome, status, againMs}, index) => html`<li key=${index} class="attempt">
          <time datetime=${at}>${moment(at)}</time>
          <span>
            ${
              attempt === undefined
                ? 'sent again'
                : html`${attempt}: ${kind ? html`<span class="bad-text">${kind} ${code && html`<code>${code}</code>`}</span>` : (outcome ?? 'running')}${status !== undefined && `, status ${status}`}${againMs !== undefined && `; the next after ${duration(againMs)}`}`
            }
          </span>
        </li>`,
      )}
    </ol>
  </section>`;
}

/** @param {{item: OneItem, url: string}} props */
function Payloads({item: {id, status, attempts}, url}) {
  const path = `api/invocations/${encodeURIComponent(id)}`;
  /** @type {import('../../polled.js').Polled<import('../../answers.js').InvocationAnswer>} */
  const {data, failure, again} = usePolled(path, 0);
  useEffect(again, [again, status, attempts]); // the reply is another one then
  if (!data) return html`<${Waiting} failure=${failure} what="Request and reply" />`;
  const {request, reply} = data;
  return html`
    ${request ? html`<${Payload} title="Request" payload=${request} path=${`${path}/request`} url=${url} />` : html`<p class="dim">Its request is not kept any more.</p>`}
    ${reply && html`<${Payload} title=${status === 'dead' ? 'Last reply' : 'Reply'} payload=${reply} path=${`${path}/reply`} url="" />`}
  `;
}
