import {useAction} from '../../action.js';
import {post} from '../../api.js';
import {Figure} from '../../figure.js';
import {count, distance, long} from '../../format.js';
import {html, useEffect, useRef} from '../../html.js';
import {usePolled} from '../../polled.js';
import {linkTo} from '../../route.js';
import {Problem, useNow, Waiting} from '../../status.js';
import {DeadLetters} from './dead.js';
import {filterOf, linkToWork, pathOfWork} from './filter.js';
import {Item} from './item.js';
import {Items} from './items.js';

/** @typedef {import('../../answers.js').WorkAnswer} WorkAnswer */

/**
 * Invocations that nobody waits for: how much waits and runs, the items or the dead letters, and beside them the one that was chosen.
 *
 * @param {import('../../app.js').ViewProps} props
 */
export function View({place, now}) {
  const filter = filterOf(place.query);
  const back = linkToWork(filter);
  /** @type {import('../../polled.js').Polled<WorkAnswer>} */
  const {data, failure, again} = usePolled(pathOfWork(filter), 2000);
  // The figures stay while another page of the list is on its way.
  const census = useRef(data);
  census.current = data ?? census.current;
  useFocusOnReturn(place.name);
  useEscape(place.name ? back : '');
  if (!census.current) return html`<${Waiting} failure=${failure} what="The work" />`;
  return html`<div class="split ${place.name ? 'has-detail' : ''}">
    <div class="stack beside">
      <${Problem} failure=${failure} />
      <${Figures} census=${census.current} />
      <${Steering} census=${census.current} list=${filter.list} onChanged=${again} />
      ${
        filter.list === 'dead'
          ? html`<${DeadLetters} filter=${filter} chosen=${place.name} onChanged=${again} />`
          : html`<${Items} filter=${filter} answer=${data} chosen=${place.name} />`
      }
    </div>
    ${place.name && html`<${Item} key=${place.name} id=${place.name} back=${back} now=${now.data} onChanged=${again} />`}
  </div>`;
}

/** Escape leads to an address, wherever the focus is: the button that was pressed may be gone. @param {string} address '' for none */
function useEscape(address) {
  useEffect(() => {
    if (address === '') return undefined;
    const leave = (/** @type {KeyboardEvent} */ {key}) => {
      if (key === 'Escape') location.hash = address;
    };
    addEventListener('keydown', leave);
    return () => removeEventListener('keydown', leave);
  }, [address]);
}

/** Who closes an item goes on at its row. @param {string} name of the item that is open */
function useFocusOnReturn(name) {
  const last = useRef('');
  useEffect(() => {
    if (name === '' && last.current !== '') document.getElementById(`work-${last.current}`)?.focus();
    last.current = name;
  }, [name]);
}

/** @param {{census: WorkAnswer}} props */
function Figures({census: {waiting, due, behind, running, dead, oldest, nextDue}}) {
  const now = useNow(1000);
  const later = nextDue === undefined || nextDue <= now ? '' : `, the next ${distance(nextDue, now)}`;
  return html`<dl class="figures five">
    <${Figure} label="Waiting" value=${count(waiting)} more=${`${count(due)} due${waiting > due ? later : ''}`} tone=${due > 0 ? 'warn' : ''} />
    <${Figure} label="Behind" value=${count(behind)} more="earlier work of their key" />
    <${Figure} label="Running" value=${count(running)} more="" />
    <${Figure} label="Oldest" value=${oldest === undefined ? '–' : long(now - oldest)} more="since it was accepted" />
    <${Figure} label="Dead letters" value=${count(dead)} more="failed for good" tone=${dead > 0 ? 'bad' : ''} />
  </dl>`;
}

/** Which list is open, and a button that pauses all. @param {{census: WorkAnswer, list: string, onChanged: () => void}} props */
function Steering({census: {paused, waiting, behind, running, dead}, list, onChanged}) {
  const turn = useAction(async () => {
    await post(`api/work/${paused ? 'resume' : 'pause'}`);
    onChanged();
  });
  const lists = {'': `Not ended (${count(waiting + behind + running)})`, dead: `Dead letters (${count(dead)})`};
  return html`
    <div class="bar">
      <div class="switch" role="group" aria-label="List">
        ${Object.entries(lists).map(
          ([each, title]) =>
            html`<button
              type="button"
              key=${each}
              aria-pressed=${each === list ? 'true' : 'false'}
              onClick=${() => {
                location.hash = linkTo('work', '', {list: each});
              }}
            >${title}</button>`,
        )}
      </div>
      <span class="grow"></span>
      ${paused && html`<span class="pill warn">paused</span>`}
      <button type="button" onClick=${() => turn.run()}>${paused ? 'Resume work' : 'Pause work'}</button>
    </div>
    <div role="status">
      ${paused && html`<p class="problem warn">Work is paused: what runs goes on, more is accepted, and no core on this journal starts anything until it is resumed.</p>`}
      <${Problem} failure=${turn.failure} what=${paused ? 'Not resumed' : 'Not paused'} />
    </div>
  `;
}
