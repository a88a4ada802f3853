import {useEffect, useRef} from '../../html.js';
import {placeOf, replacePlace} from '../../route.js';
import {filterOf, linkToWork} from './filter.js';

/** @typedef {import('./filter.js').WorkFilter} WorkFilter */

const typingMs = 250;

/** How fields of a filter change the address: at once, or when nobody has typed for a moment. The list begins at its start. */
export function useTyped() {
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (/** @type {Partial<WorkFilter>} */ part) => {
    // What the address says now: an item may have been opened since the last key.
    const {name, query} = placeOf(location.hash);
    replacePlace(linkToWork(filterOf(query), {...part, after: ''}, name));
  };
  const changeLater = (/** @type {Partial<WorkFilter>} */ part) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change(part), typingMs);
  };
  return {change, changeLater};
}
