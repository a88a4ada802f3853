import {Consumer} from '@platformatic/kafka';
import {noteTimes} from './notes.ts';

/*
What one would write with the client library alone: consume, call the handler in this process; the client commits by itself.

    node bench/messages/kafka-loop.ts <address> <topic> <group>
*/

const [address = '', topic = '', groupId = ''] = process.argv.slice(2);
const handle = await noteTimes();
const consumer = new Consumer({clientId: 'loop', groupId, bootstrapBrokers: [address]});
const messages = await consumer.consume({topics: [topic], autocommit: 100, mode: 'committed', fallbackMode: 'earliest'});
for await (const {value} of messages) await handle({httpMethod: 'POST', body: String(value)});
