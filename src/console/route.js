import {useEffect, useState} from './html.js';

/** @typedef {{view: string, name: string, query: URLSearchParams}} Place what the address names: `#/invocations/<name>?status=failed` */

/**
 * @param {string} hash
 * @returns {Place}
 */
export function placeOf(hash) {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', name = ''] = path.split('/');
  return {view: view || 'now', name: decoded(name), query: new URLSearchParams(query)};
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The address of a view.
 *
 * @param {string} view
 * @param {string} [name]
 * @param {Record<string, string>} [query] empty values are left out
 */
export function linkTo(view, name = '', query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
  return `#/${view}${name && `/${encodeURIComponent(name)}`}${search}`;
}

/**
 * The function whose console is at a path, when it is one of several.
 *
 * @param {string} path
 */
export const functionIn = path => /\/functions\/([^/]+)\/$/.exec(path)?.[1];

/**
 * The folder of a page, with a slash at both ends.
 *
 * @param {string} path
 */
export const folderOf = path => path.slice(0, path.lastIndexOf('/') + 1);

/**
 * Path and query of a request.
 *
 * @param {{path?: string | undefined, query?: string | undefined}} request
 */
export const targetOf = ({path = '', query = ''}) => path + (query === '' || query.startsWith('?') ? query : `?${query}`);

/** Where the person is, as it changes. */
export function usePlace() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const read = () => setHash(location.hash);
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return placeOf(hash);
}

/**
 * Changes the address without a new entry in the history, as for a filter that is being typed.
 *
 * @param {string} link
 */
export function replacePlace(link) {
  history.replaceState(null, '', link);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
