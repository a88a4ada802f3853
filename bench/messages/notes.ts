import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {projectFile} from '../../test/helpers/core.ts';

type Handler = (event: {httpMethod: string; body: string}) => Promise<{body: string}> | {body: string};

/** The handler of the bench, for a plain loop. A GET to this process's PORT takes its notes, as one to the core does. */
export async function noteTimes(): Promise<Handler> {
  const {handle} = createRequire(import.meta.url)(projectFile('bench/functions/started.cjs')) as {handle: Handler};
  const server = createServer(async (_request, response) => response.end((await handle({httpMethod: 'GET', body: ''})).body));
  await new Promise<void>(resolve => server.listen(Number(process.env.PORT), '127.0.0.1', resolve));
  return handle;
}
