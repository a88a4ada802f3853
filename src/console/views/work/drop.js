import {useAction} from '../../action.js';
import {post} from '../../api.js';
import {plural} from '../../format.js';
import {html, useState} from '../../html.js';
import {Problem} from '../../status.js';

/**
 * A button that forgets dead letters. It asks before it does.
 *
 * @param {{ids: readonly string[], label: string, onDropped: () => void}} props
 */
export function Drop({ids, label, onDropped}) {
  // Those that were there when it was asked, and not others that have come since.
  const [asked, setAsked] = useState(/** @type {readonly string[] | undefined} */ (undefined));
  const drop = useAction(async () => {
    const answer = await post('api/dead/drop', {ids: asked});
    setAsked(undefined);
    onDropped();
    return answer;
  });
  const what = plural(asked?.length ?? 0, 'dead letter');
  return html`
    ${!asked && html`<button type="button" onClick=${() => setAsked(ids)}>${label}…</button>`}
    ${
      asked &&
      html`<div class="problem warn" role="alert">
        <p>${asked.length === 1 ? 'Its request is' : `The requests of ${what} are`} forgotten, and cannot be sent again. The facts stay in the journal.</p>
        <div class="bar">
          <button type="button" class="main" onClick=${() => drop.run()}>Drop ${asked.length === 1 ? 'it' : what}</button>
          <button type="button" onClick=${() => setAsked(undefined)}>Keep</button>
        </div>
      </div>`
    }
    <div role="status">
      ${!asked && drop.result && html`<p>${plural(drop.result.dropped, 'dead letter')} dropped.</p>`}
      <${Problem} failure=${drop.failure} what="Not dropped" />
    </div>
  `;
}
