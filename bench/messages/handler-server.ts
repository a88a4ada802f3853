import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {text} from 'node:stream/consumers';
import {projectFile} from '../../test/helpers/core.ts';
import type {Handler} from './notes.ts';

/*
The handler of the bench as a small server, which is what one writes for a handler that is to have a process of its own. A POST is
called with as an event, a GET takes the notes. It ends with whoever started it.

    node bench/messages/handler-server.ts <port>
*/

const {handle} = createRequire(import.meta.url)(projectFile('bench/functions/started.cjs')) as {handle: Handler};
const server = createServer(async (request, response) => {
  const {body} = await handle(request.method === 'POST' ? JSON.parse(await text(request)) : {httpMethod: 'GET', body: ''});
  response.end(body);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
process.once('disconnect', () => process.exit());
