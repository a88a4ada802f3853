import {isoStamp} from '../clock.ts';
import type {FactTypes} from '../facts.ts';
import type {WorkState} from '../work.ts';

export interface Waiting {
  readonly status: string;
  readonly state: WorkState | undefined;
  readonly settled: FactTypes['invocation.settled'] | undefined;
  /** Its newest attempt. */
  readonly last: {readonly attempt: number; readonly class?: string; readonly code?: string} | undefined;
  readonly now: number;
  readonly isPaused?: boolean;
}

/** Says in a sentence why work does not run, or why it ended without a success; undefined when there is nothing to say. */
export function whyItWaits({status, state, settled, last, now, isPaused = false}: Waiting): string | undefined {
  switch (status) {
    case 'delayed':
      return `It was sent to start at ${isoStamp(state?.due ?? now)}.`;
    case 'behind':
      return 'Earlier work with the same ordering key is not over yet.';
    case 'waiting':
      return isPaused ? paused : 'Every place for work is taken.';
    case 'retrying':
      return `${failed(last)} ${nextOne(state, now, isPaused)}`;
    case 'dead-lettered':
      return state ? `${buried(state, last)} An operator can send it again.` : gone(last);
    case 'expired':
      return 'It had not started by the time at which it expired.';
    case 'cancelled':
      return 'It was cancelled.';
    case 'failed':
      return settled && `The function ended it with status ${settled.status}, after which there is no further attempt.`;
    default:
      return undefined;
  }
}

const paused = 'An operator has paused work.';

function failed(last: Waiting['last']): string {
  if (last?.class === 'busy') return `The function could not be reached${last.code ? ` (${last.code})` : ''}, which costs no attempt.`;
  return last?.class === undefined ? 'The last attempt failed.' : `Attempt ${last.attempt} failed: ${meanings[last.class] ?? last.class}.`;
}

function nextOne(state: WorkState | undefined, now: number, isPaused: boolean): string {
  if (state && state.due > now) return `The next one is due at ${isoStamp(state.due)}.`;
  return isPaused ? paused : 'The next one waits for a free place.';
}

/** What the classes of failures are for somebody who sent work. */
const meanings: Readonly<Record<string, string>> = {
  error: 'the function answered with an error',
  timeout: 'the function did not answer in time',
  crash: 'the process of the function crashed',
  oom: 'the process of the function ran out of memory',
  lost: 'the process that ran it went away',
  busy: 'the function could not be reached',
  cancelled: 'it was broken off',
};

/** An operator has dropped it, so why it was given up is not known any more. */
function gone(last: Waiting['last']): string {
  const failure = meanings[last?.class ?? ''];
  return `It failed for good${failure ? `: ${failure}` : ''}. Its request is not kept any more.`;
}

function buried(state: WorkState | undefined, last: Waiting['last']): string {
  switch (state?.reason?.why) {
    case 'poison':
      return `The process that ran it ended ${state.deaths} times in a row.`;
    case 'refused':
      return 'The function asked for no further attempt.';
    default: {
      const failure = meanings[state?.reason?.class ?? last?.class ?? ''];
      return `No attempts are left${failure ? `; the last one failed because ${failure}` : ''}.`;
    }
  }
}
