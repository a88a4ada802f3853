import {Feed} from '../feed.js';
import {bytes, clock, count, duration, plural, shortId} from '../format.js';
import {html, useEffect, useRef, useState} from '../html.js';
import {linkTo, targetOf} from '../route.js';
import {mostRows} from '../rows.js';
import {Problem, Waiting} from '../status.js';
import {WindowList} from '../window-list.js';
import {Filters, filterOf} from './filters.js';
import {Invocation} from './invocation.js';

/** @typedef {import('../answers.js').Row} Row */

const rowPx = 28;

const columns = [
  {key: 'at', title: 'Accepted'},
  {key: 'what', title: 'Request'},
  {key: 'outcome', title: 'Outcome'},
  {key: 'took', title: 'Time', isNumber: true},
  {key: 'size', title: 'Event', isNumber: true},
  {key: 'id', title: 'Id'},
];

/**
 * The recorded invocations, live, and beside them the one that was chosen.
 *
 * @param {import('../app.js').ViewProps} props
 */
export function Invocations({place, now}) {
  const [isLive, setLive] = useState(true);
  const filter = filterOf(place.query);
  const feed = useFeed(filter, isLive);
  const open = (/** @type {Row} */ {id}) => {
    location.hash = linkTo('invocations', id, filter);
  };
  const back = linkTo('invocations', '', filter);
  const onKeyDown = (/** @type {KeyboardEvent} */ {key}) => {
    if (key === 'Escape' && place.name) location.hash = back;
  };
  useFocusOnReturn(place.name);
  const {rows, leftOut, failure} = feed;
  return html`<div class="split ${place.name ? 'has-detail' : ''}" onKeyDown=${onKeyDown}>
    <section class="list" aria-label="List of invocations">
      <${Filters} filter=${filter} isLive=${isLive} onLive=${setLive} />
      <${Problem} failure=${failure} />
      <p class="dim count">
        <span>${plural(rows.length, 'invocation')}${feed.hasMore ? ', more below' : ''}${rows.length >= mostRows ? ', as many as this page holds' : ''}</span>
        ${now.data?.journal?.http === 'facts' && html`<span>; paths are not kept, as <code>CORE_JOURNAL_HTTP</code> is <code>facts</code></span>`}
        ${leftOut > 0 && html`<span>, ${count(leftOut)} left out under load</span>`}
      </p>
      <${List} feed=${feed} chosen=${place.name} onOpen=${open} journal=${now.data?.journal?.http} />
    </section>
    ${place.name && html`<${Invocation} key=${place.name} id=${place.name} back=${back} now=${now.data} />`}
  </div>`;
}

/** @param {{feed: Feed, chosen: string, onOpen: (row: Row) => void, journal: string | undefined}} props */
function List({feed, chosen, onOpen, journal}) {
  if (!feed.isLoaded) return html`<${Waiting} failure=${feed.failure} what="The invocations" />`;
  if (feed.rows.length === 0 && journal === 'off')
    return html`<p class="empty"><code>CORE_JOURNAL_HTTP</code> is <code>off</code>: requests are not recorded.</p>`;
  if (feed.rows.length === 0) return html`<p class="empty">No invocation fits. New ones appear here as they happen.</p>`;
  return html`<${WindowList}
    label="Invocations, the newest first"
    columns=${columns}
    rows=${feed.rows}
    rowPx=${rowPx}
    idOf=${idOf}
    cells=${cellsOf}
    toneOf=${toneOf}
    chosen=${chosen}
    onOpen=${onOpen}
    onEnd=${() => void feed.more()}
  />`;
}

/** Who closes an invocation goes on in the list. @param {string} name of the invocation that is open */
function useFocusOnReturn(name) {
  const last = useRef('');
  useEffect(() => {
    if (name === '' && last.current !== '') /** @type {HTMLElement | null} */ (document.querySelector('.window'))?.focus();
    last.current = name;
  }, [name]);
}

/**
 * @param {import('../feed.js').Filter} filter
 * @param {boolean} isLive
 */
function useFeed(filter, isLive) {
  const [, setTurn] = useState(0);
  const key = JSON.stringify(filter);
  const feed = useRef(/** @type {{key: string, feed: Feed} | undefined} */ (undefined));
  if (feed.current?.key !== key) {
    feed.current?.feed.close();
    feed.current = {key, feed: new Feed(filter, () => setTurn(turn => turn + 1))};
  }
  const current = feed.current.feed;
  useEffect(() => {
    void current.open(isLive);
    return () => current.pause();
  }, [current, isLive]);
  useEffect(() => () => current.close(), [current]);
  return current;
}

const idOf = (/** @type {Row} */ {id}) => id;

/** @param {Row} row */
const toneOf = ({status}) => (status === 'running' ? 'running' : status === 'responded' ? '' : 'bad');

/** @param {number | undefined} at */
const millis = at => String(Math.floor(at ?? 0) % 1000).padStart(3, '0');

/** @param {Row} row */
function cellsOf({id, status, source, method, path, query, acceptedAt, settledAt, replyStatus, code, durationMs, bytes: size}) {
  return {
    at: html`${clock(acceptedAt ?? settledAt)}<span class="fine dim">.${millis(acceptedAt ?? settledAt)}</span>`,
    what:
      path !== undefined && source === 'http'
        ? html`<b>${method}</b> ${path}<span class="dim">${targetOf({query})}</span>`
        : html`<span class=${source === 'http' ? 'dim' : ''}>${source ?? 'unknown'}</span>`, // a schedule has a path, too; its name says more
    outcome:
      status === 'running'
        ? html`<span class="dim">running</span>`
        : html`<span class="status s${String(replyStatus)[0]}">${replyStatus}</span> <span class="code">${code ?? (status === 'responded' ? '' : status)}</span>`,
    took: duration(durationMs),
    size: bytes(size),
    id: html`<code title=${id}>${shortId(id)}</code>`,
  };
}
