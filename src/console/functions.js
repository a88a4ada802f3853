import {html} from './html.js';
import {usePolled} from './polled.js';
import {functionIn, linkTo} from './route.js';

/** @typedef {import('./answers.js').FunctionsAnswer} FunctionsAnswer */

/** How often is asked which functions there are, and what became of them. */
const everyMs = 5000;

/**
 * The functions whose consoles are beside this one, to choose from. A console that stands alone shows and asks nothing.
 *
 * @param {{view: string}} props the view that is open, which stays open
 */
export function Functions({view}) {
  const here = functionIn(location.pathname);
  return here === undefined ? null : html`<${Choice} here=${here} view=${view} />`;
}

/** @param {{here: string, view: string}} props */
function Choice({here, view}) {
  /** @type {import('./polled.js').Polled<FunctionsAnswer>} */
  const {data} = usePolled('../../functions', everyMs);
  if (!data || data.functions.length < 2) return null;
  return html`<nav class="functions" aria-label="Functions">
    <ul>
      ${data.functions.map(
        ({name, state}) => html`<li key=${name}>
          <a href=${`../${name}/${linkTo(view)}`} aria-current=${name === here ? 'page' : undefined}>
            ${name}${state !== 'serving' && html` <span class="pill ${state === 'starting' ? 'warn' : 'bad'}">${state}</span>`}
          </a>
        </li>`,
      )}
    </ul>
  </nav>`;
}
