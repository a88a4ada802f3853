import {Failure} from './api.js';
import {useRef, useState} from './html.js';

/**
 * Something that a button does: whether it runs, what came of it, or why it failed. While it runs, it is not begun again.
 *
 * @template T
 * @param {(...given: any[]) => Promise<T>} act
 */
export function useAction(act) {
  const [state, setState] = useState(/** @type {{isBusy: boolean, result?: T, failure?: Failure}} */ ({isBusy: false}));
  const isBusy = useRef(false);
  const run = async (/** @type {any[]} */ ...given) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState({isBusy: true});
    try {
      setState({isBusy: false, result: await act(...given)});
    } catch (error) {
      setState({isBusy: false, failure: error instanceof Failure ? error : new Failure('refused', String(error))});
    } finally {
      isBusy.current = false;
    }
  };
  return {...state, run};
}
