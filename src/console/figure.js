import {html} from './html.js';

/**
 * One of the figures in a row at the top of a view.
 *
 * @param {{label: string, value: string, unit?: string, more: string, tone?: string}} props
 */
export const Figure = ({label, value, unit = '', more, tone = ''}) => html`<div class=${tone}>
  <dt>${label}</dt>
  <dd>
    <span class="value">${value}</span><span class="unit">${unit}</span>
    <span class="more">${more}</span>
  </dd>
</div>`;
