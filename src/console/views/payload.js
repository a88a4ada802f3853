import {Copy} from '../copy.js';
import {bytes, plural} from '../format.js';
import {html, useState} from '../html.js';
import {targetOf} from '../route.js';
import {contentOf, hexOf, jsonOf, kindOf, textOf} from './bytes.js';
import {curlOf} from './curl.js';

/** @typedef {import('../answers.js').Payload} PayloadAnswer */

const forms = /** @type {const} */ ({json: 'JSON', text: 'Text', hex: 'Hex'});

/**
 * A request or a reply as it was kept.
 *
 * @param {{title: string, payload: PayloadAnswer, path: string, url: string}} props `url` of the function, for a request that can be copied
 */
export function Payload({title, payload, path, url}) {
  return html`<section aria-label=${title}>
    <div class="bar">
      <h3 class="grow">${title}</h3>
      ${url && payload.method && html`<${Copy} text=${() => curlOf(url, payload)} label="Copy as curl" />`}
    </div>
    <${Kept} payload=${payload} path=${path} />
  </section>`;
}

/** @param {{payload: PayloadAnswer, path: string}} props */
function Kept({payload, path}) {
  const {method, status, sourceIp, headers, cut} = payload;
  const content = contentOf(payload);
  const kind = kindOf(content, headers);
  const [chosen, setForm] = useState(/** @type {keyof typeof forms | undefined} */ (undefined));
  const form = chosen ?? kind;
  const first = method ? `${method} ${targetOf(payload)}` : `Status ${status}`;
  return html`
    <p class="breaks"><code>${first}</code>${sourceIp && html` <span class="dim">from ${sourceIp}</span>`}</p>
    ${
      headers.length > 0 &&
      html`<details>
        <summary>${plural(headers.length, 'header field')}</summary>
        <table class="table headers">
          <thead class="sr"><tr><th scope="col">Field</th><th scope="col">Value</th></tr></thead>
          <tbody>${headers.map(([name, value], index) => html`<tr key=${index}><th scope="row">${name}</th><td class="breaks">${value}</td></tr>`)}</tbody>
        </table>
      </details>`
    }
    ${
      payload.bytes === 0
        ? html`<p class="dim">No body.</p>`
        : html`
            <div class="bar">
              <span class="dim grow">
                Body, ${bytes(payload.bytes)}${cut && `; here its first ${bytes(content.length)}`} ·
                ${' '}<a href=${`${path}/body`} download>download</a>
              </span>
              <div class="switch" role="group" aria-label="Form of the body">
                ${Object.entries(forms).map(
                  ([key, label]) =>
                    (key !== 'json' || kind === 'json') &&
                    html`<button
                      type="button"
                      key=${key}
                      aria-pressed=${key === form ? 'true' : 'false'}
                      onClick=${() => setForm(/** @type {keyof typeof forms} */ (key))}
                    >${label}</button>`,
                )}
              </div>
            </div>
            <pre class="body ${form === 'hex' ? '' : 'breaks'}" tabindex="0" aria-label="Body">${shown(content, form)}</pre>
          `
    }
  `;
}

/** @param {Uint8Array} content @param {keyof typeof forms} form */
const shown = (content, form) =>
  form === 'hex' ? hexOf(content) : form === 'json' ? (jsonOf(content) ?? textOf(content)) : textOf(content);
