import {targetOf} from '../route.js';
import {contentOf} from './bytes.js';

/** Fields that curl writes by itself, or that belong to the connection that is over. */
const ofConnection = /^(host|content-length|connection|transfer-encoding|keep-alive|te|trailer|upgrade|expect|accept-encoding)$/i;

/**
 * A command line for a POSIX shell that sends a recorded request again. Secrets are not in it: only their hashes were kept.
 *
 * @param {string} url of the function
 * @param {import('../answers.js').Payload} request
 */
export function curlOf(url, request) {
  const {method = 'GET', headers, bytes, body = '', encoding, cut} = request;
  const target = targetOf(request);
  const sent = headers.filter(([name]) => !ofConnection.test(name));
  const isText = encoding !== 'base64' && !cut && !body.includes('\u0000');
  const command = [
    `curl ${quoted(url.replace(/\/$/, '') + target)}`,
    ...(method === 'GET' && bytes === 0 ? [] : [`-X ${quoted(method)}`]),
    ...(/[[\]{}]/.test(target) ? ['--globoff'] : []),
    '--path-as-is',
    ...sent.map(([name, value]) => `-H ${quoted(value.trim() === '' ? `${name};` : `${name}: ${value}`)}`),
    ...(bytes > 0 ? [isText ? `--data-raw ${quoted(body)}` : '--data-binary @-'] : []),
  ].join(' \\\n  ');
  if (bytes === 0 || isText) return command;
  if (cut) return `${command} < body # download the body first: it is too long to stand here`;
  return `echo ${quoted(base64Of(contentOf(request)))} | base64 -d | ${command}`;
}

/** @param {Uint8Array} content */
const base64Of = content => btoa(String.fromCharCode(...content));

/** One word for a POSIX shell, whatever is in it. @param {string} text */
export const quoted = text => `'${text.replaceAll("'", `'\\''`)}'`;
