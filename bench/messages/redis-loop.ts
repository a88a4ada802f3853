import {createClient} from '@redis/client';
import {noteTimes} from './notes.ts';

/*
What one would write with the client library alone: read, call the handler in this process, acknowledge.

    node bench/messages/redis-loop.ts <url> <stream> <group>
*/

const [url = '', stream = '', group = ''] = process.argv.slice(2);
const atOnce = 10;
const handle = await noteTimes();
const [reader, client] = [createClient({url}), createClient({url})];
await Promise.all([reader.connect(), client.connect()]);
await client.xGroupCreate(stream, group, '0', {MKSTREAM: true}).catch(() => {}); // it is there
for (;;) {
  const read = await reader.xReadGroup(group, 'loop', [{key: stream, id: '>'}], {COUNT: atOnce, BLOCK: 1000});
  const entries = ((read ?? []) as unknown as {messages: {id: string; message: Record<string, string>}[]}[]).flatMap(
    ({messages}) => messages,
  );
  await Promise.all(
    entries.map(async ({id, message}) => {
      await handle({httpMethod: 'POST', body: message.body ?? ''});
      await client.xAck(stream, group, id);
    }),
  );
}
