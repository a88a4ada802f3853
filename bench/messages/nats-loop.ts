import {AckPolicy, jetstream, jetstreamManager} from '@nats-io/jetstream';
import {connect} from '@nats-io/transport-node';
import {limited, mostCalls, noteTimes} from './notes.ts';

/*
What one would write with the client library alone: consume, call the handler in this process, acknowledge.

    node bench/messages/nats-loop.ts <url> <stream> <consumer>
*/

const [url = '', stream = '', name = ''] = process.argv.slice(2);
const handle = await noteTimes();
const client = await connect({servers: url});
const manager = await jetstreamManager(client);
await manager.consumers.add(stream, {durable_name: name, ack_policy: AckPolicy.Explicit});
const consumer = await jetstream(client).consumers.get(stream, name);
const soon = limited(mostCalls);
for await (const message of await consumer.consume({max_messages: 100})) {
  await soon(async () => {
    await handle({httpMethod: 'POST', body: message.string()});
    message.ack();
  });
}
