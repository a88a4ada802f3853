import {fork} from 'node:child_process';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {Pool} from 'undici';
import {systemClock} from '../../src/clock.ts';
import {accepts} from '../../src/workers/process/port.ts';
import {projectFile} from '../../test/helpers/core.ts';

export type Handler = (event: {httpMethod: string; body: string}) => Promise<{body: string}> | {body: string};

const host = '127.0.0.1';
/** Calls at a time of the handler in another process: as many as the core makes by default. */
export const mostCalls = 50;

/**
The handler of the bench, for a plain loop: in its own process, or, with BENCH_HANDLER=http, in another one behind a small server.
A GET to PORT takes its notes, as one to the core does.
*/
export async function noteTimes(): Promise<Handler> {
  const port = Number(process.env.PORT);
  if (process.env.BENCH_HANDLER === 'http') return handlerOverHttp(port);
  const {handle} = createRequire(import.meta.url)(projectFile('bench/functions/started.cjs')) as {handle: Handler};
  const server = createServer(async (_request, response) => response.end((await handle({httpMethod: 'GET', body: ''})).body));
  await new Promise<void>(resolve => server.listen(port, host, resolve));
  return handle;
}

async function handlerOverHttp(port: number): Promise<Handler> {
  fork(projectFile('bench/messages/handler-server.ts'), [String(port)]);
  while (!(await accepts(host, port))) await systemClock.sleep(20);
  const pool = new Pool(`http://${host}:${port}`, {connections: mostCalls});
  return async event => {
    const {statusCode, body} = await pool.request({path: '/', method: 'POST', body: JSON.stringify(event)});
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`the handler answered with ${statusCode}`);
    return {body: text};
  };
}

/** Lets so many run at a time. @returns resolves when there is room for one more */
export function limited(most: number): (act: () => Promise<void>) => Promise<void> {
  const running = new Set<Promise<void>>();
  return async act => {
    const mine: Promise<void> = act().finally(() => running.delete(mine));
    running.add(mine);
    while (running.size >= most) await Promise.race(running);
  };
}
