import {json} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {askCore, NoCore} from '../command/core-here.ts';
import {envOfCore} from '../command/cores-here.ts';
import {CommandFailed} from '../command/failure.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';

/** The image's HEALTHCHECK gives up later than this. */
const waitMs = 2500;

/** `core-runtime ready`: the image's HEALTHCHECK. Exit code 0 when the core can take calls, 1 when it cannot or is not there. */
export const ready = command({
  summary: 'Says whether the core that runs here can take calls; exit code 0 when it can.',
  options: {json},
  examples: {
    ready: 'Print its phase, such as ready, booting or overloaded.',
    'ready --json': 'Print the phase and its cause, for a program.',
  },
  async run({json: isJson}, env) {
    const {body: state = {ready: false, phase: 'unknown'}} = await askCore(await envOfCore(env), 'GET', '/readyz', {waitMs}).catch(
      error => {
        // When no core answers, this exits with 1 and not with 69, as a HEALTHCHECK knows only 0 and 1.
        throw error instanceof NoCore ? new CommandFailed(exit.failed, error.message, {cause: error}) : error;
      },
    );
    const cause = state.cause === undefined ? '' : `: ${state.cause}`;
    isJson ? printJson(state) : print(`${state.phase}${cause}`);
    return state.ready === true ? exit.done : exit.failed;
  },
});
