import {Fault} from '../../src/errors.ts';

/** The handler's fault: it returned what HTTP cannot carry. @param what the member, the rule and the value */
export function invalid(what: string): Fault {
  return new Fault('RESULT_INVALID', {message: `The function returned a reply that HTTP cannot carry: ${what}`});
}
