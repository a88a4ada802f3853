import {html, useState} from '../html.js';
import {usePolled} from '../polled.js';
import {Problem, Waiting} from '../status.js';

/** @typedef {import('../answers.js').SettingRow} SettingRow */

/** Every setting: the value that the core uses, and where it came from. */
export function Settings() {
  /** @type {import('../polled.js').Polled<{settings: SettingRow[], warnings: string[]}>} */
  const {data, failure} = usePolled('api/settings', 0);
  const [text, setText] = useState('');
  const [isOnlySet, setOnlySet] = useState(false);
  if (!data) return html`<${Waiting} failure=${failure} what="The settings" />`;
  const fits = (/** @type {SettingRow} */ row) =>
    (!isOnlySet || isGiven(row)) && `${row.name} ${row.value ?? ''} ${row.doc}`.toLowerCase().includes(text.trim().toLowerCase());
  const shown = data.settings.filter(fits);
  const titles = [...new Set(shown.map(({title}) => title))];
  return html`
    <${Problem} failure=${failure} />
    ${data.warnings.map(warning => html`<p key=${warning} class="problem warn">${warning}</p>`)}
    <form class="bar filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label class="half">
        <span class="sr">Find a setting</span>
        <input
          type="search"
          placeholder="Name, value or meaning"
          value=${text}
          onInput=${(/** @type {InputEvent} */ event) => setText(/** @type {HTMLInputElement} */ (event.target).value)}
        />
      </label>
      <label class="check">
        <input type="checkbox" checked=${isOnlySet} onChange=${() => setOnlySet(!isOnlySet)} /> Only those that were set
      </label>
    </form>
    ${shown.length === 0 && html`<p class="empty">No setting fits.</p>`}
    ${titles.map(title => html`<${Group} key=${title} title=${title} rows=${shown.filter(row => row.title === title)} />`)}
  `;
}

/** @param {Pick<SettingRow, 'source'>} row */
const isGiven = ({source}) => source !== 'default' && source !== 'unset';

/** @param {{title: string, rows: SettingRow[]}} props */
const Group = ({title, rows}) => html`<section>
  <h2>${title}</h2>
  <table class="table settings">
    <thead>
      <tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">From</th><th scope="col">Meaning</th></tr>
    </thead>
    <tbody>
      ${rows.map(
        ({name, value, source, doc}) => html`<tr key=${name} class=${isGiven({source}) ? 'given' : ''}>
          <th scope="row"><code>${name}</code></th>
          <td class="breaks">${value === null ? html`<span class="dim">–</span>` : value === '(hidden)' ? html`<span class="dim">hidden</span>` : html`<code>${value}</code>`}</td>
          <td>${source === 'unset' ? html`<span class="dim">not set</span>` : source}</td>
          <td class="dim">${withCode(doc)}</td>
        </tr>`,
      )}
    </tbody>
  </table>
</section>`;

/** What stands between grave accents is code. @param {string} text */
const withCode = text => text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
