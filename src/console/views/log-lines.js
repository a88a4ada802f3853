import {clock} from '../format.js';
import {html} from '../html.js';

/**
 * What the function wrote while it was called, and the error that it ended with.
 *
 * @param {{invocation: import('../answers.js').InvocationAnswer}} props
 */
export function LogLines({invocation: {error, log}}) {
  const lines = log?.lines ?? [];
  const isAmongLines = lines.some(({line}) => line === error?.message);
  if (!error && lines.length === 0) return null;
  return html`<section>
    <h3>Log lines</h3>
    ${error && !isAmongLines && html`<pre class="problem breaks">${error.stack || error.message}</pre>`}
    ${
      lines.length > 0 &&
      html`<ol class="lines">
        ${lines.map(
          ({at, line, level, stack, stream}, index) => html`<li key=${index} class=${level ?? stream}>
            <time datetime=${at}>${clock(at)}</time>
            <code class="breaks">${stack || line}</code>
          </li>`,
        )}
      </ol>`
    }
    ${(log?.dropped ?? 0) > 0 && html`<p class="dim">${log?.dropped} more were left out, as there was no room for them.</p>`}
  </section>`;
}
