import {count, plural} from '../../format.js';

/** @typedef {import('../../answers.js').WorkItem} WorkItem */
/** @typedef {import('../../answers.js').RedriveProgress} RedriveProgress */

const reasons = {
  exhausted: 'Its last attempt failed, and none was left.',
  refused: 'The function asked for no further attempt.',
  poison: 'Its process died under each of the last attempts.',
};

/** Why a dead letter is one. @param {NonNullable<WorkItem['reason']>} reason */
export const whyDead = ({why}) => reasons[why] ?? why;

const states = {
  sending: 'Sending',
  checking: 'Waiting until the first ones have ended',
  done: 'Done',
  stopped: 'Stopped',
  failed: 'Ended early',
};

/** How far a redrive is, as a sentence. @param {RedriveProgress} progress */
export function redriveText({state, sent, skipped, cause}) {
  const gone = skipped > 0 ? `, ${plural(skipped, 'was no dead letter', 'were no dead letters')} any more` : '';
  return `${states[state] ?? state}: ${count(sent)} sent again${gone}${cause && state !== 'stopped' ? `; ${cause}` : ''}.`;
}

/**
 * What the button that begins a redrive says.
 *
 * @param {{count: number, more: boolean}} found dead letters that are meant
 * @param {number} canary how many go first
 */
export function sendText({count: amount, more}, canary) {
  const all = `${count(amount)}${more ? ' or more' : ''}`;
  if (canary === 0 || (canary >= amount && !more)) return amount === 1 && !more ? 'Send it again' : `Send ${all} again`;
  return `Send ${count(canary)}, then the other ${count(amount - canary)}${more ? ' or more' : ''}`;
}
