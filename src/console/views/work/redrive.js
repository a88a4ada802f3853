import {useAction} from '../../action.js';
import {ask, post} from '../../api.js';
import {plural} from '../../format.js';
import {html, useEffect, useState} from '../../html.js';
import {usePolled} from '../../polled.js';
import {Problem} from '../../status.js';
import {redriveText, sendText} from './words.js';

/** @typedef {import('../../answers.js').RedriveProgress} RedriveProgress */

/**
 * Sends dead letters again: a preview says how many, then a few go first, and the others when these have succeeded.
 *
 * @param {{wish: object, onChanged: () => void}} props `wish`: which, as the API takes it
 */
export function Redrive({wish, onChanged}) {
  /** @type {import('../../polled.js').Polled<{redrive: RedriveProgress | null}>} */
  const {data, again} = usePolled('api/dead/redrive', 1000);
  const [canary, setCanary] = useState(1);
  const [rate, setRate] = useState(10);
  const [isAsked, setAsked] = useState(false);
  const changed = () => {
    setAsked(false);
    again();
    onChanged();
  };
  const preview = useAction(async () => {
    const found = await post('api/dead/redrive', {...wish, preview: true});
    setAsked(true);
    return found;
  });
  const begin = useAction(async () => {
    await post('api/dead/redrive', {...wish, canary, rate});
    changed();
  });
  const stop = useAction(async () => {
    await ask('api/dead/redrive', {method: 'DELETE'});
    changed();
  });
  const progress = data?.redrive ?? undefined;
  useEffect(onChanged, [progress?.sent, progress?.state]); // the lists follow
  const isOn = progress !== undefined && progress.endedAt === undefined;
  const found = isAsked && !isOn ? preview.result : undefined;
  return html`<div class="stack">
    <div class="bar">
      <${Whole} label="Canary" value=${canary} least=${0} most=${1000} onInput=${setCanary} />
      <${Whole} label="Rate a second" value=${rate} least=${1} most=${1000} onInput=${setRate} />
      <button type="button" disabled=${isOn} onClick=${() => preview.run()}>Preview sending again</button>
      ${isOn && html`<button type="button" onClick=${() => stop.run()}>Stop sending</button>`}
    </div>
    <div role="status">
      ${progress && html`<p class=${progress.state === 'failed' ? 'bad-text' : ''}>${redriveText(progress)}</p>`}
      ${found?.count === 0 && html`<p>No dead letter fits: nothing would be sent.</p>`}
      <${Problem} failure=${preview.failure} what="No preview" />
      <${Problem} failure=${begin.failure} what="Not sent" />
      <${Problem} failure=${stop.failure} what="Not stopped" />
    </div>
    ${
      found &&
      found.count > 0 &&
      html`<div class="problem warn" role="alert">
        <p>
          ${plural(found.count, 'dead letter')}${found.more ? ' or more' : ''} would be sent again, ${rate} a second, with attempts anew.
          ${canary > 0 && canary < found.count && ` The others stay when ${canary === 1 ? 'the first one' : `one of the first ${canary}`} fails again.`}
        </p>
        <div class="bar">
          <button type="button" class="main" onClick=${() => begin.run()}>${sendText(found, canary)}</button>
          <button type="button" onClick=${() => setAsked(false)}>Cancel</button>
        </div>
      </div>`
    }
  </div>`;
}

/** @param {{label: string, value: number, least: number, most: number, onInput: (value: number) => void}} props */
const Whole = ({label, value, least, most, onInput}) => html`<label class="check">
  ${label}
  <input
    type="number"
    min=${least}
    max=${most}
    value=${value}
    onInput=${(/** @type {InputEvent} */ event) => {
      const given = /** @type {HTMLInputElement} */ (event.target).valueAsNumber;
      if (Number.isInteger(given)) onInput(Math.min(most, Math.max(least, given)));
    }}
  />
</label>`;
