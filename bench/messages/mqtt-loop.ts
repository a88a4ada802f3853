import {connect} from 'mqtt';
import {noteTimes} from './notes.ts';

/*
What one would write with the client library alone: subscribe, call the handler in this process; the client acknowledges.

    node bench/messages/mqtt-loop.ts <url> <client id> <topic>
*/

const [url = '', clientId = '', topic = ''] = process.argv.slice(2);
const handle = await noteTimes();
const properties = {sessionExpiryInterval: 3600, receiveMaximum: 100};
const client = connect(url, {clientId, protocolVersion: 5, clean: false, properties});
client.handleMessage = async ({payload}, callback) => {
  await handle({httpMethod: 'POST', body: String(payload)});
  callback();
};
await client.subscribeAsync(topic, {qos: 1});
