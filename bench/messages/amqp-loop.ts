import {connect} from 'amqplib';
import {noteTimes} from './notes.ts';

/*
What one would write with the client library alone: consume, call the handler in this process, acknowledge.

    node bench/messages/amqp-loop.ts <url> <queue>
*/

const [url = '', queue = ''] = process.argv.slice(2);
const handle = await noteTimes();
const channel = await (await connect(url)).createChannel();
await channel.prefetch(100);
await channel.consume(queue, async message => {
  if (!message) return;
  await handle({httpMethod: 'POST', body: message.content.toString()});
  channel.ack(message);
});
