import test from 'ava';
import {requestTo, sampleCall, sampleRuntimeCall} from '../../bench/requests.ts';
import {eventWriter} from '../../middleware/event/write.ts';
import {eventOf, writeRequest} from '../../src/workers/hop/text.ts';
import {textOf} from '../helpers/event.ts';

const options = {functionName: '', functionVersion: '', memoryMb: 128, handlerPath: '/f', handlerName: 'handle', base64: 'exact'} as const;
const id = '01a2068b-f0ed-7c75-9692-646cebce9a7c';

for (const bytes of [0, 1000]) {
  test(`a call of ${bytes} bytes is what the core would send`, t => {
    const sent = JSON.parse(sampleCall(bytes));
    const headers = ['Host', 'localhost', 'Accept', '*/*', ...(bytes > 0 ? ['Content-Type', 'text/plain'] : [])];
    const body = Buffer.from(sent.event.body);
    const method = bytes > 0 ? 'POST' : 'GET';
    const input = {
      shape: 'request',
      eventType: 'http',
      reply: 'http',
      method,
      path: '/',
      query: '',
      headers,
      body,
      sourceIp: '127.0.0.1',
    } as const;
    const event = eventWriter(options)(input, {id, deadlineMs: 0, credential: undefined});
    t.is(body.length, bytes);
    t.deepEqual(sent, JSON.parse(textOf(event)));
  });
}

test('a server of functions gets the body itself', t => {
  const {method, body} = requestTo({url: '', pids: [], takes: 'requests'}, 100);
  t.is(method, 'POST');
  t.is(body?.length, 100);
});

test('a call as the hop gets it holds what a call over HTTP holds', t => {
  for (const bytes of [0, 1000]) {
    const {event, trace} = sampleRuntimeCall(bytes)();
    t.deepEqual(JSON.parse(writeRequest(eventOf({event}), trace)), JSON.parse(sampleCall(bytes)));
  }
});
