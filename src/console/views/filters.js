import {Choice, Text} from '../fields.js';
import {html, useEffect, useRef} from '../html.js';
import {linkTo, placeOf, replacePlace} from '../route.js';

/** @typedef {import('../feed.js').Filter} Filter */

const statuses = ['running', 'responded', 'failed', 'cancelled', 'expired', 'dead-lettered'];
const spans = {'15m': 'last 15 minutes', '1h': 'last hour', '24h': 'last day', '168h': 'last week'};
const typingMs = 250;

/**
 * The filter that an address has.
 *
 * @param {URLSearchParams} query
 * @returns {Filter}
 */
export const filterOf = query => ({
  status: query.get('status') ?? '',
  source: query.get('source') ?? '',
  path: query.get('path') ?? '',
  id: query.get('id') ?? '',
  since: query.get('since') ?? '1h',
});

/** @param {{filter: Filter, isLive: boolean, onLive: (isLive: boolean) => void}} props */
export function Filters({filter, isLive, onLive}) {
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (/** @type {Partial<Filter>} */ part) => {
    // What the address says now: an invocation may have been opened since the last key.
    const {name, query} = placeOf(location.hash);
    replacePlace(linkTo('invocations', name, {...filterOf(query), ...part}));
  };
  const changeLater = (/** @type {Partial<Filter>} */ part) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change(part), typingMs);
  };
  return html`<form class="bar filters" role="search" aria-label="Filter" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <${Choice} label="Status" value=${filter.status} options=${[['', 'every status'], ...statuses.map(each => [each, each])]} onChange=${(/** @type {string} */ status) => change({status})} />
    <${Choice} label="Time" value=${filter.since} options=${Object.entries(spans)} onChange=${(/** @type {string} */ since) => change({since})} />
    <${Text} label="Source" hint="source" value=${filter.source} onInput=${(/** @type {string} */ source) => changeLater({source})} />
    <${Text} label="Path" hint="path" value=${filter.path} onInput=${(/** @type {string} */ path) => changeLater({path})} />
    <${Text} label="Id" hint="id" value=${filter.id} onInput=${(/** @type {string} */ id) => changeLater({id})} />
    <button type="button" class="live" aria-pressed=${isLive ? 'true' : 'false'} onClick=${() => onLive(!isLive)}>Live</button>
  </form>`;
}
