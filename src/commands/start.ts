import {command} from '../command/command.ts';
import {exit} from '../exit.ts';

/** `core-runtime start`: the same as the container's entrypoint. */
export const start = command({
  summary: 'Serves the function that the environment describes, as the container does.',
  examples: {
    start: 'Serve until SIGTERM or Ctrl-C.',
    'start | jq .msg': 'Read its log, a JSON object on each line.',
  },
  serves: true,
  async run(_given, env) {
    const {run} = await import('../serve/run.ts');
    await run(env);
    return exit.done;
  },
});
