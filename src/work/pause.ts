import type {Pausable} from '../pause.ts';

/** The work of all cores on one journal, as one of them says. @param core this boot of it */
export const workOf = (core: string): Pausable => ({
  stream: 'work.pause',
  fact(isPaused, since) {
    const data = {core, since};
    return isPaused ? {type: 'work.paused', data} : {type: 'work.resumed', data};
  },
});
