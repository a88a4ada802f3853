import path from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {systemClock} from '../clock.ts';
import {printableLines} from '../printable.ts';
import {run} from '../serve/run.ts';
import type {Served} from '../serve/serve.ts';
import type {Environment} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {launcherGone} from './launcher.ts';

/** Serves one handler on this machine: public unless SCW_PUBLIC says otherwise, log lines for people on a terminal. */
export async function dev(args: string[], env: Environment): Promise<void> {
  const {positionals} = parseArgs({args, allowPositionals: true, options: {}});
  const [handler] = positionals;
  if (handler === undefined || positionals.length > 1) {
    console.error('core-runtime: expected one handler, as in `core-runtime dev handler.js`');
    process.exitCode = exit.misused;
    return;
  }
  void launcherGone(systemClock).then(() => {
    console.error('core-runtime: the process that started this command is gone: stopping');
    process.kill(process.pid, 'SIGTERM'); // as a clean stop does, with what is in flight
  });
  const defaults = {
    SCW_PUBLIC: 'true',
    SCW_UPSTREAM_PORT: '0',
    CORE_JOURNAL_HTTP: 'full',
    SCW_APPLICATION_NAME: path.basename(path.dirname(path.resolve(handler))),
  };
  await run(
    {...defaults, ...env, SCW_HANDLER_PATH: path.resolve(handler)},
    {pretty: process.stdout.isTTY === true, onServed: served => void greet(served)},
  );
}

async function greet(served: Served): Promise<void> {
  const {runtime, error} = await served.started;
  console.log(banner(served, runtime ?? served.spec.language));
  if (error !== undefined) console.error(`The function did not start: ${printableLines(error)}`);
}

/** What a developer wants to know first. */
function banner({spec, url, adminUrl, isPublic}: Served, runtime: string): string {
  const rows = [
    ['function', `${spec.handlerPath} (${spec.handlerName})`],
    ['runs on', runtime],
    ['url', isPublic ? url : `${url} (private: callers need a token)`],
    ['admin', `${adminUrl}/readyz`],
    ['metrics', `${adminUrl}/metrics`],
    ['try', `curl${isPublic ? '' : ' -H "X-Auth-Token: $TOKEN"'} '${url}/?name=you'`],
  ];
  return ['', ...rows.map(([name = '', value]) => `  ${name.padEnd(9)} ${value}`), ''].join('\n');
}
