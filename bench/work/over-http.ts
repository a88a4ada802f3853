import {join} from 'node:path';
import {systemClock} from '../../src/clock.ts';
import {type Measured, measure} from '../load.ts';
import {type Server, startOurs, temporaryFolder} from '../servers.ts';
import {sendSlowly} from '../slowly.ts';
import type {Contender} from './contender.ts';
import {type Asked, microseconds, textOf} from './queue.ts';

export const overHttpTitle = 'core over HTTP';

const asynchronous = {Prefer: 'respond-async', 'Content-Type': 'application/json'};

/**
The core as its users call it: with `Prefer: respond-async` on its port. What only has to be accepted is delayed, so that
nothing runs beside it, as nothing does for the others.

@throws Error when the core does not take asynchronous calls
*/
export async function overHttp(): Promise<Contender> {
  await using stack = new AsyncDisposableStack();
  await startAccepting(stack);
  return {
    title: overHttpTitle,

    async accept({producers, bytes, seconds}) {
      await using stack = new AsyncDisposableStack();
      const {url, pids} = await startAccepting(stack);
      return await postAll(url, pids, {producers, bytes, seconds}, {Prefer: 'respond-async', 'Core-Delay': '1h'});
    },

    async start({bytes, seconds}) {
      await using stack = new AsyncDisposableStack();
      const server = await startAccepting(stack);
      await systemClock.sleep(200); // the call that asked whether it takes any is over
      return await sendSlowly(server.url, seconds * 50, at => send(server.url, at, textOf(bytes)));
    },
  };
}

/** Posts items of so many bytes from so many connections. */
export function postAll(
  url: string,
  pids: readonly number[],
  {producers, bytes, seconds}: Pick<Asked['accept']['options'], 'producers' | 'bytes' | 'seconds'>,
  more: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const body = JSON.stringify({at: 0, text: textOf(bytes)});
  const headers = {'Content-Type': 'application/json', ...more};
  return measure({url, pids, connections: producers, seconds, method: 'POST', headers, body});
}

async function startAccepting(stack: AsyncDisposableStack): Promise<Server> {
  const file = join(await temporaryFolder(stack), 'facts.db');
  const settings = {CORE_WORK: 'on', CORE_WORK_MAX: '10000000', CORE_JOURNAL: `sqlite:${file}`};
  const server = await startOurs('started', settings, stack);
  const {status, headers} = await send(server.url, microseconds(), '');
  if (status !== 202 || headers.get('core-durability') !== 'fsync') throw new Error(`it answered ${status} to an asynchronous call`);
  return server;
}

async function send(url: string, at: number, text: string): Promise<Response> {
  const response = await fetch(url, {method: 'POST', headers: asynchronous, body: JSON.stringify({at, text})});
  await response.arrayBuffer();
  return response;
}
