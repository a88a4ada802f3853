import {Failure} from './api.js';
import {useState} from './html.js';

/**
 * Something that a button does: whether it runs, what came of it, or why it failed.
 *
 * @template T
 * @param {(...given: any[]) => Promise<T>} act
 */
export function useAction(act) {
  const [state, setState] = useState(/** @type {{isBusy: boolean, result?: T, failure?: Failure}} */ ({isBusy: false}));
  const run = async (/** @type {any[]} */ ...given) => {
    setState({isBusy: true});
    try {
      setState({isBusy: false, result: await act(...given)});
    } catch (error) {
      setState({isBusy: false, failure: error instanceof Failure ? error : new Failure('refused', String(error))});
    }
  };
  return {...state, run};
}
