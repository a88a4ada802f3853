import {html, useEffect, useState} from './html.js';

/**
 * Puts a text into the clipboard, and says so.
 *
 * @param {{text: () => string, label: string}} props
 */
export function Copy({text, label}) {
  const [said, setSaid] = useState('');
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
      setSaid('The browser does not allow it here');
    }
  };
  return html`<button type="button" onClick=${copy}>${label}</button><span role="status" class="dim said">${said}</span>`;
}
