import {bytesOf, textOf} from './bytes.js';

/** Fields that curl writes by itself, or that belong to the connection that is over. */
const ofConnection = /^(host|content-length|connection|transfer-encoding|keep-alive|te|trailer|upgrade|expect|accept-encoding)$/i;

/**
 * A command line for a POSIX shell that sends a recorded request again. Secrets are not in it: only their hashes were kept.
 *
 * @param {string} url of the function
 * @param {import('../answers.js').PayloadAnswer} request
 */
export function curlOf(url, {method = 'GET', path = '/', query = '', headers, body}) {
  const content = bytesOf(body.base64);
  const text = textOf(content);
  const isText = !body.truncated && !text.includes('\u0000') && sameBytes(new TextEncoder().encode(text), content);
  const sent = headers.filter(([name]) => !ofConnection.test(name));
  const command = [
    `curl ${quoted(url.replace(/\/$/, '') + path + query)}`,
    ...(method === 'GET' && body.bytes === 0 ? [] : [`-X ${quoted(method)}`]),
    ...(/[[\]{}]/.test(path + query) ? ['--globoff'] : []),
    '--path-as-is',
    ...sent.map(([name, value]) => `-H ${quoted(value.trim() === '' ? `${name};` : `${name}: ${value}`)}`),
    ...(body.bytes > 0 && isText ? [`--data-raw ${quoted(text)}`] : []),
    ...(body.bytes > 0 && !isText ? ['--data-binary @-'] : []),
  ].join(' \\\n  ');
  if (body.bytes === 0 || isText) return command;
  return body.truncated
    ? `${command} < body # download the body first: it is too long to stand here`
    : `echo ${quoted(body.base64)} | base64 -d | ${command}`;
}

/** One word for a POSIX shell, whatever is in it. @param {string} text */
export const quoted = text => `'${text.replaceAll("'", `'\\''`)}'`;

/** @param {Uint8Array} one @param {Uint8Array} other */
const sameBytes = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);
