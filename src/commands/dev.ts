import path from 'node:path';
import process from 'node:process';
import {systemClock} from '../clock.ts';
import {one} from '../command/arguments.ts';
import {columns} from '../command/columns.ts';
import {command} from '../command/command.ts';
import {exit} from '../exit.ts';
import {printableLines} from '../printable.ts';
import type {Served} from '../serve/serve.ts';
import {launcherGone} from './launcher.ts';

/** `core-runtime dev <handler>`: a function on this machine, public unless SCW_PUBLIC says otherwise. */
export const dev = command({
  summary: 'Serves a handler publicly on this machine and prints what to try.',
  arguments: {handler: one('one handler', 'File of the function; its extension decides the language.')},
  examples: {
    'dev handler.js': 'Serve handler.js on http://localhost:8080.',
    'dev handler.py': 'Serve a function in Python; the extension decides.',
  },
  serves: true,
  async run({handler}, env) {
    void launcherGone(systemClock).then(() => {
      console.error('core-runtime: the process that started this command is gone: stopping');
      process.kill(process.pid, 'SIGTERM'); // a clean stop, which lets requests in flight finish
    });
    const defaults = {
      SCW_PUBLIC: 'true',
      SCW_UPSTREAM_PORT: '0',
      CORE_JOURNAL_HTTP: 'full',
      SCW_APPLICATION_NAME: path.basename(path.dirname(path.resolve(handler))),
    };
    const {run} = await import('../serve/run.ts');
    await run(
      {...defaults, ...env, SCW_HANDLER_PATH: path.resolve(handler)},
      {pretty: process.stdout.isTTY === true, onServed: served => void greet(served)},
    );
    return exit.done;
  },
});

async function greet(served: Served): Promise<void> {
  const {runtime, error} = await served.started;
  console.log(banner(served, runtime ?? served.spec.language));
  if (error !== undefined) console.error(`The function did not start: ${printableLines(error)}`);
}

/** The lines that a developer reads first. */
function banner({spec, url, adminUrl, isPublic}: Served, runtime: string): string {
  const rows = [
    ['function', `${spec.handlerPath} (${spec.handlerName})`],
    ['runs on', runtime],
    ['url', isPublic ? url : `${url} (private: callers need a token)`],
    ['admin', `${adminUrl}/readyz`],
    ['metrics', `${adminUrl}/metrics`],
    ['try', `curl${isPublic ? '' : ' -H "X-Auth-Token: $TOKEN"'} '${url}/?name=you'`],
  ];
  const row = columns(8);
  return ['', ...rows.map(cells => `  ${row(...cells)}`), ''].join('\n');
}
