import assert from 'node:assert/strict';
import test from 'node:test';
import {handle} from './handler.js';

const context = {invocationId: 'test'};

test('greets the world without a name', async () => {
  const {body} = await handle({queryStringParameters: {}}, context);
  assert.equal(body.message, 'Hello, world!');
});

test('greets the name in the query', async () => {
  const {statusCode, body} = await handle({queryStringParameters: {name: 'Ada'}}, context);
  assert.equal(statusCode, 200);
  assert.equal(body.message, 'Hello, Ada!');
});
