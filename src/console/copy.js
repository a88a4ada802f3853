import {html, useEffect, useState} from './html.js';

/**
 * Puts a text into the clipboard, and says so. Where the browser allows that to no page, as on another machine without
 * TLS, the text is shown instead.
 *
 * @param {{text: () => string, label: string}} props
 */
export function Copy({text, label}) {
  const [said, setSaid] = useState('');
  const [shown, setShown] = useState('');
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => setSaid(''), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setSaid('Copied');
    } catch {
      setShown(text());
    }
  };
  return html`
    <span role="status" class="dim said">${said}</span>
    <button type="button" onClick=${copy}>${label}</button>
    ${shown && html`<pre class="breaks shown" tabindex="0" aria-label=${label}>${shown}</pre>`}
  `;
}
