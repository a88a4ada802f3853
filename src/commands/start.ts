import {behind} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {servedCommand} from '../command/served.ts';
import {exit} from '../exit.ts';

/** `core-runtime start`: the same as the container's entrypoint. */
export const start = command({
  summary: 'Serves the function that the environment describes, as the container does.',
  arguments: {command: behind('Program that is the function, with its arguments: an HTTP server, unless CORE_PROTOCOL says otherwise.')},
  examples: {
    start: 'Serve until SIGTERM or Ctrl-C.',
    'start -- node server.js': 'Serve an HTTP server as the function.',
    'start | jq .msg': 'Read its log, a JSON object on each line.',
  },
  serves: true,
  async run({command}, env) {
    const {run} = await import('../serve/run.ts');
    await run({...env, ...servedCommand(command, env)});
    return exit.done;
  },
});
