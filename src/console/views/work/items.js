import {Choice, Text} from '../../fields.js';
import {count, distance, moment, shortId} from '../../format.js';
import {html} from '../../html.js';
import {useNow} from '../../status.js';
import {linkToWork} from './filter.js';
import {Pages} from './pages.js';
import {useTyped} from './typed.js';

/** @typedef {import('../../answers.js').WorkAnswer} WorkAnswer */
/** @typedef {import('../../answers.js').WorkItem} WorkItem */
/** @typedef {import('./filter.js').WorkFilter} WorkFilter */

const statuses = /** @type {const} */ ([
  ['', 'every status'],
  ['waiting', 'waiting'],
  ['behind', 'behind their key'],
  ['running', 'running'],
]);

/**
 * The work that has not ended, the oldest first.
 *
 * @param {{filter: WorkFilter, answer: WorkAnswer | undefined, chosen: string}} props
 */
export function Items({filter, answer, chosen}) {
  const {change, changeLater} = useTyped();
  return html`<section aria-label="Work that has not ended">
    <form class="bar filters" role="search" aria-label="Filter" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${Choice} label="Status" value=${filter.status} options=${statuses} onChange=${(/** @type {string} */ status) => change({status})} />
      <${Text} label="Ordering key" hint="ordering key" value=${filter.key} onInput=${(/** @type {string} */ key) => changeLater({key})} />
    </form>
    <${List} filter=${filter} answer=${answer} chosen=${chosen} />
    <${Pages} filter=${filter} next=${answer?.next} />
  </section>`;
}

/** @param {{filter: WorkFilter, answer: WorkAnswer | undefined, chosen: string}} props */
function List({filter, answer, chosen}) {
  const now = useNow(1000);
  if (!answer) return html`<p class="empty" role="status">Loading the work…</p>`;
  if (answer.items.length === 0)
    return html`<p class="empty">${filter.status || filter.key || filter.after ? 'No work fits.' : 'No work waits or runs.'}</p>`;
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="List of work">
    <table class="table narrow">
      <thead>
        <tr><th scope="col">Invocation</th><th scope="col">Accepted</th><th scope="col">Status</th><th scope="col">Due</th><th scope="col" class="number">Attempts</th><th scope="col">Ordering key</th></tr>
      </thead>
      <tbody>
        ${answer.items.map(item => html`<${Line} key=${item.id} item=${item} filter=${filter} isChosen=${item.id === chosen} now=${now} />`)}
      </tbody>
    </table>
  </div>`;
}

const tones = {running: 'good', waiting: 'dim', behind: 'dim', dead: 'bad'};

/** @param {{item: WorkItem, filter: WorkFilter, isChosen: boolean, now: number}} props */
function Line({item: {id, status, posting, acceptedAt, due, attempts, orderingKey}, filter, isChosen, now}) {
  return html`<tr class=${isChosen ? 'chosen' : ''}>
    <td><a id=${`work-${id}`} href=${linkToWork(filter, {}, id)} title=${id} aria-current=${isChosen ? 'true' : undefined}><code>${shortId(id)}</code></a></td>
    <td>${moment(acceptedAt)}</td>
    <td><span class="pill ${tones[status]}">${posting ? 'posting its reply' : status}</span></td>
    <td>${status === 'waiting' && (due <= now ? 'now' : distance(due, now))}</td>
    <td class="number">${count(attempts)}</td>
    <td class="short">${orderingKey !== undefined && html`<a href=${linkToWork(filter, {key: orderingKey, after: ''})} title=${orderingKey}>${orderingKey}</a>`}</td>
  </tr>`;
}
