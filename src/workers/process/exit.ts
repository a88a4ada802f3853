import {Fault} from '../../errors.ts';
import type {ExitReason, FactTypes} from '../../facts.ts';

/** How a process ended. */
export type Exit = FactTypes['runtime.exited'];

/** An exit in one sentence, for the log and for callers that waited. */
export function describeExit({reason, code, signal, error}: Omit<Exit, 'upMs'>): string {
  switch (reason) {
    case 'unspawnable':
      return `The sub-runtime could not be started: ${error}`;
    case 'never-ready':
      return 'The sub-runtime was not ready in time and was killed';
    case 'oom':
      return 'The sub-runtime ran out of memory and was killed';
    case 'stuck':
      return 'The sub-runtime was stuck and was replaced';
    case 'protocol':
      return 'The sub-runtime broke the protocol and was killed';
    case 'exposed':
      return 'The server listens beyond loopback, where callers need no token, and was killed';
    case 'reloaded':
      return 'The sub-runtime was replaced by newer code';
    case 'stopped':
      return 'The sub-runtime was stopped';
    case 'signal':
      return `The sub-runtime was ended by ${signal}`;
    default:
      return `The sub-runtime exited with code ${code}`;
  }
}

/** The fault of a call that was in the process when it ended. */
export const lostBy = (exit: Omit<Exit, 'upMs'>): Fault =>
  new Fault('UPSTREAM_LOST', {message: `${describeExit(exit)} during the call`, ended: endedByItself[exit.reason]});

/** The exits that are a crash, or lack of memory, and not the end of a process by the core. */
const endedByItself: Partial<Record<ExitReason, Fault['ended']>> = {
  'exit-zero': 'crash',
  'exit-nonzero': 'crash',
  signal: 'crash',
  oom: 'oom',
};

/** Whether somebody asked for the end: then there is nothing to report. */
export const isOrdered = (reason: ExitReason) => reason === 'stopped' || reason === 'reloaded';

/** Whether we chose the end: it says nothing against the function, and another start is the cure, however often. */
export const isOurDoing = (reason: ExitReason) => isOrdered(reason) || reason === 'stuck';

/**
Whether the host refused the start, as it had no descriptor, process or memory left: that says nothing about the function.
A program that does not exist (ENOENT) is a mistake in what is started, and counts against it.

@see errno(3) for what `spawn` reports
*/
export const isRefusal = ({reason, error = ''}: Pick<Exit, 'reason' | 'error'>) =>
  reason === 'unspawnable' && /\b(EMFILE|ENFILE|EAGAIN|ENOMEM)$/.test(error);
