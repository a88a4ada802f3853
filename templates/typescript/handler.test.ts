import assert from 'node:assert/strict';
import test from 'node:test';
import type {Context, Event} from 'core-runtime';
import {handle} from './handler.ts';

const context = {invocationId: 'test'} as Context;

test('greets the world without a name', async () => {
  const event = {queryStringParameters: {}} as Event;
  assert.deepEqual(await handle(event, context), {statusCode: 200, body: {message: 'Hello, world!', invocationId: 'test'}});
});

test('greets the name in the query', async () => {
  const event = {queryStringParameters: {name: 'Ada'}} as unknown as Event;
  assert.deepEqual(await handle(event, context), {statusCode: 200, body: {message: 'Hello, Ada!', invocationId: 'test'}});
});
