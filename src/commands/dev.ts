import path from 'node:path';
import {systemClock} from '../clock.ts';
import {behind, choice, flag, many, port, text} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {servedCommand} from '../command/served.ts';
import type {Reporter} from '../dev/reporter.ts';
import {exit} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';
import {launcherGone} from './launcher.ts';

/** `core-runtime dev [path]`: a function on this machine, public unless `--private` or SCW_PUBLIC says otherwise. */
export const dev = command({
  summary: 'Serves a function, or several, on this machine, and prints what to try.',
  arguments: {
    path: many(
      'paths',
      'Handler file, folder of the function, program, or serverless.yml. By default the current folder. Several are served side by side.',
    ),
    command: behind('Program that is the function, with its arguments: an HTTP server. It runs in the current folder.'),
  },
  options: {
    port: port('<port>', 'Port of the function. By default 8080, or the next free one.'),
    host: text(
      '<address>',
      'Address to listen on. By default 127.0.0.1, which only this machine reaches; 0.0.0.0 opens it to the network.',
    ),
    name: text('<name>', 'Name of the function. By default that of its folder.'),
    'env-file': text('<file>', 'File with variables for the function, instead of .env in its folder.'),
    watch: flag('Serve an edit as soon as it is saved. So it is by default.'),
    'no-watch': flag('Serve the code of the start until a reload is asked for.'),
    open: flag('Open the function in the browser.'),
    'log-format': choice(
      '<format>',
      ['lines', 'json'],
      'lines, the default, are for people; json is the log, with one record on each line, for programs.',
    ),
    private: flag('Let only callers with a token in.'),
  },
  examples: {
    'dev handler.js': 'Serve handler.js on http://localhost:8080.',
    dev: 'Serve the function in the current folder.',
    'dev api/ jobs/report.py': 'Serve two functions at http://localhost:8080/api/ and /report/.',
    'dev -- uvicorn app:app': 'Serve an HTTP server; an edit in the folder starts it anew.',
    'dev serverless.yml': 'Serve every function of a project of the Serverless Framework.',
    'dev . --port 3000 --env-file .env.local': 'On another port, with other variables.',
  },
  serves: true,
  async run(
    {
      path: paths,
      command,
      port,
      host,
      name,
      'env-file': envFile,
      'no-watch': isStill,
      open: opens,
      private: isPrivate,
      'log-format': format,
    },
    env,
  ) {
    void launcherGone(systemClock).then(() => {
      console.error('core-runtime: the process that started this command is gone: stopping');
      process.kill(process.pid, 'SIGTERM'); // a clean stop, which lets requests in flight finish
    });
    const {servesSeveral} = await import('../dev/several.ts');
    const chosen = {port, host, name, envFile: envFile && path.resolve(envFile), isPrivate, isStill, opens};
    if (command && paths.length > 0) throw new CommandFailed(exit.misused, 'expected a path, or a command behind --, got both');
    if (!command && (await servesSeveral({...chosen, paths, isJson: format === 'json'}, env))) return exit.done;
    const {findCommand, findFunction} = await import('../dev/find.ts');
    const isLanguageKnown = Boolean(env.CORE_RUNTIME || env.SCW_RUNTIME_BRIDGE || env.SCW_HANDLER_IS_BINARY === 'true');
    const found = command ? findCommand(command, process.cwd()) : findFunction(paths[0], process.cwd(), isLanguageKnown);
    const [{serveFunction}, reporter] = await Promise.all([
      import('../dev/serve.ts'),
      format === 'json' ? reportJson() : reportLines(found.folder, env),
    ]);
    await serveFunction({...found, ...chosen, settings: servedCommand(command, env)}, env, reporter);
    return exit.done;
  },
});

async function reportJson(): Promise<Reporter> {
  return (await import('../dev/json-reporter.ts')).jsonReporter;
}

async function reportLines(folder: string, env: Environment): Promise<Reporter> {
  const [{terminalHere}, {terminalReporter}, {openInBrowser}] = await Promise.all([
    import('../dev/terminal/here.ts'),
    import('../dev/terminal/reporter.ts'),
    import('../dev/browser.ts'),
  ]);
  return terminalReporter(terminalHere(env), folder, openInBrowser);
}
