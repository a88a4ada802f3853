import {Choice, Text} from '../../fields.js';
import {count, moment, shortId} from '../../format.js';
import {html} from '../../html.js';
import {usePolled} from '../../polled.js';
import {Problem, Waiting} from '../../status.js';
import {Drop} from './drop.js';
import {linkToWork, pathOfDead, wishOf} from './filter.js';
import {Pages} from './pages.js';
import {Redrive} from './redrive.js';
import {useTyped} from './typed.js';
import {whyDead} from './words.js';

/** @typedef {import('../../answers.js').WorkItem} WorkItem */
/** @typedef {import('./filter.js').WorkFilter} WorkFilter */

const spans = /** @type {const} */ ([
  ['', 'at any time'],
  ['15m', 'last 15 minutes'],
  ['1h', 'last hour'],
  ['24h', 'last day'],
  ['168h', 'last week'],
]);
const classes = ['error', 'timeout', 'crash', 'oom', 'lost', 'busy'];

/**
 * Work that has failed for good: which, why, and how to send it again or to forget it.
 *
 * @param {{filter: WorkFilter, chosen: string, onChanged: () => void}} props
 */
export function DeadLetters({filter, chosen, onChanged}) {
  /** @type {import('../../polled.js').Polled<{items: WorkItem[], next?: string}>} */
  const {data, failure, again} = usePolled(pathOfDead(filter), 2000);
  const {change, changeLater} = useTyped();
  const wish = wishOf(filter);
  const changed = () => {
    again();
    onChanged();
  };
  return html`<section aria-label="Dead letters">
    <form class="bar filters" role="search" aria-label="Filter" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${Choice} label="Since" value=${filter.since} options=${spans} onChange=${(/** @type {string} */ since) => change({since})} />
      <${Choice} label="Class of the last failure" value=${filter.class} options=${[['', 'every class'], ...classes.map(each => [each, each])]} onChange=${(/** @type {string} */ kind) => change({class: kind})} />
      <${Text} label="Status of the last reply" hint="status" value=${filter.reply} onInput=${(/** @type {string} */ reply) => changeLater({reply})} />
    </form>
    <${Redrive} key=${JSON.stringify(wish)} wish=${wish} onChanged=${changed} />
    ${data ? html`<${Problem} failure=${failure} /><${List} items=${data.items} hasMore=${data.next !== undefined} filter=${filter} chosen=${chosen} />` : html`<${Waiting} failure=${failure} what="The dead letters" />`}
    <div class="bar">
      <span class="grow"><${Pages} filter=${filter} next=${data?.next} /></span>
      ${data && data.items.length > 0 && html`<${Drop} ids=${data.items.map(({id}) => id)} label="Drop what is listed" onDropped=${changed} />`}
    </div>
  </section>`;
}

/** @param {{items: readonly WorkItem[], hasMore: boolean, filter: WorkFilter, chosen: string}} props */
function List({items, hasMore, filter, chosen}) {
  if (items.length === 0 && hasMore)
    return html`<p class="empty">None of the ten thousand that were looked at fits; there are later ones.</p>`;
  const isFiltered = filter.since || filter.class || filter.reply || filter.after;
  if (items.length === 0) return html`<p class="empty">${isFiltered ? 'No dead letter fits.' : 'No work has failed for good.'}</p>`;
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="List of dead letters">
    <table class="table narrow">
      <thead>
        <tr><th scope="col">Invocation</th><th scope="col">Dead since</th><th scope="col">Failure</th><th scope="col" class="number">Status</th><th scope="col" class="number">Attempts</th><th scope="col">Why no more</th><th scope="col">Ordering key</th></tr>
      </thead>
      <tbody>
        ${items.map(
          ({id, deadAt, reason, attempts, orderingKey}) => html`<tr key=${id} class=${id === chosen ? 'chosen' : ''}>
            <td><a id=${`work-${id}`} href=${linkToWork(filter, {}, id)} title=${id} aria-current=${id === chosen ? 'true' : undefined}><code>${shortId(id)}</code></a></td>
            <td>${moment(deadAt)}</td>
            <td class="bad-text">${reason?.class}</td>
            <td class="number">${reason?.status}</td>
            <td class="number">${count(attempts)}</td>
            <td>${reason && html`<span title=${whyDead(reason)}>${reason.why}</span>`}</td>
            <td class="short" title=${orderingKey}>${orderingKey}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
