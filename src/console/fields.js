import {html} from './html.js';

/* Fields of a filter. */

/** @param {{label: string, value: string, options: readonly (readonly [string, string])[], onChange: (value: string) => void}} props */
export const Choice = ({label, value, options, onChange}) => html`<label>
  <span class="sr">${label}</span>
  <select value=${value} onChange=${(/** @type {Event} */ event) => onChange(/** @type {HTMLSelectElement} */ (event.target).value)}>
    ${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
  </select>
</label>`;

/** @param {{label: string, hint: string, value: string, onInput: (value: string) => void}} props */
export const Text = ({label, hint, value, onInput}) => html`<label class="grow">
  <span class="sr">${label}</span>
  <input
    type="search"
    placeholder=${hint}
    value=${value}
    spellcheck=${false}
    autocomplete="off"
    onInput=${(/** @type {InputEvent} */ event) => onInput(/** @type {HTMLInputElement} */ (event.target).value.trim())}
  />
</label>`;
