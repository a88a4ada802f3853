import {useAction} from '../action.js';
import {post} from '../api.js';
import {html, useState} from '../html.js';
import {Problem} from '../status.js';

/** @typedef {import('../answers.js').ReplayAnswer} ReplayAnswer */

/**
 * Runs the invocation again with the current code, after a question: the function is really called.
 *
 * @param {{path: string}} props
 */
export function Replay({path}) {
  const [isAsked, setAsked] = useState(false);
  const {run, isBusy, result, failure} = useAction(async () => {
    setAsked(false);
    return /** @type {Promise<ReplayAnswer>} */ (post(`${path}/replay`));
  });
  return html`<section>
    <div class="bar">
      <h3 class="grow">Replay</h3>
      ${!isAsked && html`<button type="button" disabled=${isBusy} onClick=${() => setAsked(true)}>${isBusy ? 'Running…' : 'Replay with the current code'}</button>`}
    </div>
    ${
      isAsked &&
      html`<div class="problem warn" role="alert">
        <p>This calls the function again with the recorded request. What it does outside, such as writing to a database, is done once more.</p>
        <div class="bar">
          <button type="button" class="main" onClick=${() => run()}>Run it</button>
          <button type="button" onClick=${() => setAsked(false)}>Cancel</button>
        </div>
      </div>`
    }
    <${Problem} failure=${failure} what="Not replayed" />
    <div role="status">${result && html`<${Outcome} ...${result} />`}</div>
  </section>`;
}

const verdicts = /** @type {Record<string, string>} */ ({
  same: 'The current code gives the same reply.',
  noise: 'Only what differs by chance differs.',
  status: 'The status differs.',
  headers: 'Header fields differ.',
  body: 'The body differs.',
  error: 'The function failed, and did not then, or in another way.',
});

/** @param {ReplayAnswer} props */
function Outcome({verdict = '', expected, actual, differences = [], moreDifferences = 0, noise = [], notReplayable, reason, fix}) {
  if (notReplayable) return html`<p class="problem warn">It cannot be replayed: ${reason} ${fix}</p>`;
  const isSame = verdict === 'same' || verdict === 'noise';
  return html`
    <p class=${isSame ? 'good-text' : 'bad-text'}>
      <b>${verdicts[verdict] ?? verdict}</b> <span class="dim">recorded: ${expected}, now: ${actual}</span>
    </p>
    ${differences.length > 0 && html`<pre class="diff breaks" aria-label="Differences">${differences.map(each => html`<${Difference} ...${each} />`)}</pre>`}
    ${moreDifferences > 0 && html`<p class="dim">… and ${moreDifferences} more</p>`}
    ${noise.length > 0 && html`<p class="dim">Left out, as it differs from run to run: ${noise.join(', ')}</p>`}
  `;
}

/** @param {{aspect: string, path: string, meaning: string, expected?: string, actual?: string}} props */
const Difference = ({
  aspect,
  path,
  meaning,
  expected,
  actual,
}) => html`<span class="where">${aspect}${path && ` ${path}`}${meaning === 'changed' ? '' : ` (${meaning})`}
</span>${
  expected !== undefined &&
  html`<del><span class="sr">recorded: </span>- ${expected}
</del>`
}${
  actual !== undefined &&
  html`<ins><span class="sr">now: </span>+ ${actual}
</ins>`
}`;
