import {json, many} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {complain, print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {workAsker} from './work-answers.ts';

/** `core-runtime dead drop <id>…`: exit code 1 when one of them is no dead letter. */
export const deadDrop = command({
  summary: 'Forgets dead letters of the core that runs here for good; the facts about them stay.',
  arguments: {ids: many('ids of dead letters', 'Their ids.')},
  options: {json},
  examples: {
    'dead drop 0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b': 'Forget one dead letter.',
    'dead drop 0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b 0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c --json':
      'Forget two, and print what became of them for a program.',
  },
  async run({ids, json: isJson}, env) {
    if (ids.length === 0) throw new CommandFailed(exit.misused, 'expected ids of dead letters');
    const ask = await workAsker(env);
    const {dropped, unknown} = (await ask('POST', '/api/dead/drop', {ids})) as unknown as {dropped: number; unknown: string[]}; // as routes/dead.ts writes it
    if (isJson) printJson({dropped, unknown});
    else print(`${dropped} dropped`);
    for (const id of isJson ? [] : unknown) complain(`${id} is no dead letter`);
    return unknown.length > 0 ? exit.failed : exit.done;
  },
});
