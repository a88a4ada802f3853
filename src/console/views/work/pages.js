import {html} from '../../html.js';
import {linkToWork} from './filter.js';

/**
 * Where the list begins, and where it goes on.
 *
 * @param {{filter: import('./filter.js').WorkFilter, next: string | undefined}} props
 */
export function Pages({filter, next}) {
  if (!filter.after && next === undefined) return null;
  return html`<nav class="bar" aria-label="Pages">
    ${filter.after && html`<a href=${linkToWork(filter, {after: ''})}>The oldest</a>`}
    ${next !== undefined && html`<a href=${linkToWork(filter, {after: next})}>Later ones</a>`}
  </nav>`;
}
