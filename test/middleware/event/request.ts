import test from 'ava';
import {requestOf} from '../../../middleware/event/request.ts';
import type {MessageInput} from '../../../src/delivery.ts';
import {requestInput} from '../../helpers/fakes.ts';

const message: MessageInput = {
  shape: 'message',
  eventType: 'nats',
  reply: 'outcome',
  contentType: 'text/plain',
  attributes: ['Order', 'é'],
  body: Buffer.from('hello'),
};

test('a request stays as it came', t => {
  const request = requestInput();
  t.is(requestOf(request), request);
});

test('a message is a POST to / whose headers are its content type and its attributes, as bytes', t => {
  t.deepEqual(requestOf(message), {
    shape: 'request',
    eventType: 'nats',
    reply: 'outcome',
    method: 'POST',
    path: '/',
    query: '',
    headers: ['Content-Type', 'text/plain', 'Order', 'Ã©'],
    sourceIp: '',
    body: message.body,
  });
});

test('without a content type there is no header for it', t => {
  t.deepEqual(requestOf({...message, contentType: ''}).headers, ['Order', 'Ã©']);
});
