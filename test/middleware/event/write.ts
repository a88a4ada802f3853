import test from 'ava';
import fc from 'fast-check';
import {type EventOptions, eventWriter} from '../../../middleware/event/write.ts';
import type {RequestInput} from '../../../src/delivery.ts';
import {writeRequest} from '../../../src/workers/hop/text.ts';
import {requestInput} from '../../helpers/fakes.ts';

const options: EventOptions = {
  functionName: 'greeter',
  functionVersion: '7',
  memoryMb: 256,
  handlerPath: '/home/app/function/handler.js',
  handlerName: 'handle',
  base64: 'exact',
};

/** Written and read again, as a bridge does. */
function eventOf(input: Partial<RequestInput>, some: Partial<EventOptions> = {}, credential?: string) {
  const event = eventWriter({...options, ...some})(requestInput(input), {id: 'id-1', deadlineMs: 1764000000000, credential});
  return JSON.parse(writeRequest(event, {traceparent: '00-a'}));
}

const bodyOf = (body: Buffer | string, base64: 'exact' | 'sniff' = 'exact') => {
  const {body: text, isBase64Encoded} = eventOf({body: Buffer.from(body)}, {base64}).event;
  return [text, isBase64Encoded];
};

test('the target as it came stands beside the event, where the event does not tell all of it', t => {
  const {target, event} = eventOf({path: '/a/b', query: 'b', target: '/a%2Fb?b'});
  t.is(target, '/a%2Fb?b');
  t.false(JSON.stringify(event).includes('%2F'));
  t.false('target' in eventOf({path: '/a'}));
});

test('a whole event has the contract’s shape and nothing else', t => {
  const input = {
    method: 'POST',
    path: '/test',
    query: 'q=first&q=last',
    headers: ['content-type', 'text/plain', 'Host', 'a.example', 'authorization', 'Bearer secret', 'Connection', 'close'],
    body: Buffer.from('hi'),
    sourceIp: '192.0.2.1',
  };
  t.deepEqual(eventOf(input, {}, 'authorization'), {
    event: {
      resource: 'http',
      path: '/test',
      httpMethod: 'POST',
      headers: {'Content-Type': 'text/plain', Host: 'a.example'},
      multiValueHeaders: {'Content-Type': ['text/plain'], Host: ['a.example']},
      queryStringParameters: {q: 'last'},
      multiValueQueryStringParameters: {q: ['first', 'last']},
      pathParameters: {},
      stageVariables: null,
      requestContext: {
        accountId: '',
        resourceId: '',
        apiId: '',
        resourcePath: '',
        authorizer: null,
        stage: 'dev',
        eventType: 'http',
        httpMethod: 'POST',
        path: '/test',
        requestId: 'id-1',
        identity: {sourceIp: '192.0.2.1'},
      },
      body: 'hi',
      isBase64Encoded: false,
    },
    context: {
      functionName: 'greeter',
      functionVersion: '7',
      memoryInMb: 256,
      memoryLimitInMb: 256,
      invocationId: 'id-1',
      deadlineMs: 1764000000000,
      trace: {traceparent: '00-a'},
    },
    handlerPath: '/home/app/function/handler.js',
    handlerName: 'handle',
  });
});

test('a scheduled event says which occurrence it is for', t => {
  const schedule = {name: 'nightly "one"', occurrence: '2026-01-01T00:00:00.000Z'};
  const {event} = eventOf({eventType: 'cron', context: {schedule}, body: Buffer.from('{}')});
  t.deepEqual(event.requestContext.schedule, schedule);
  t.is(event.requestContext.eventType, 'cron');
  t.is(event.resource, 'cron');
  t.is(event.body, '{}');
});

test('the context of a replay says that it is one, and no other does', t => {
  t.is(eventOf({}, {replay: true}).context.replay, true);
  t.false('replay' in eventOf({}).context);
});

test('settings and inputs that need escaping are escaped', t => {
  const odd = '"\\\n\0\u2028é';
  const written = eventOf({path: odd, sourceIp: odd}, {functionName: odd, functionVersion: odd, handlerPath: odd, handlerName: odd});
  t.is(written.event.path, odd);
  t.is(written.event.requestContext.path, odd);
  t.is(written.event.requestContext.identity.sourceIp, odd);
  t.is(written.context.functionName, odd);
  t.is(written.context.functionVersion, odd);
  t.is(written.handlerPath, odd);
  t.is(written.handlerName, odd);
});

test('bytes that are not UTF-8 are base64', t => {
  const bytes = [[0xff], [0xc3], [0x80], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80], [0x61, 0xff, 0x61]];
  for (const body of bytes.map(list => Buffer.from(list))) t.deepEqual(bodyOf(body), [body.toString('base64'), true], body.toString('hex'));
});

test('UTF-8 is text as it is, also when it could be base64 or is JSON', t => {
  for (const body of ['', 'hi', 'aGk=', 'abcd', '{"a":1}', '"quoted"', '\ufeffa', 'é😀', '\0\x01\x7f\u2028', 'null']) {
    t.deepEqual(bodyOf(body), [body, false], body);
  }
});

test('sniff flags every text that decodes as padded base64, as the original did', t => {
  for (const body of ['', 'abcd', 'aGk=', 'aA==', 'aGk=\n', 'ab\r\ncd', '12345678', '++//', '\n'])
    t.deepEqual(bodyOf(body, 'sniff'), [body, true], body);
  for (const body of ['abc', 'a', 'aGk', 'aG=k', 'aA=', 'ab cd', 'ab-_', '====', '=', 'a===', 'é', '{"a":1}', 'abcd=']) {
    t.deepEqual(bodyOf(body, 'sniff'), [body, false], body);
  }
});

test('sniffing a large text costs no stack', t => {
  const body = Buffer.alloc(64 * 2 ** 20, 'A');
  t.is(bodyOf(body, 'sniff')[1], true);
  body[body.length - 1] = 0x21;
  t.is(bodyOf(body, 'sniff')[1], false);
});

test('any bytes survive, and the flag says how', t => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({maxLength: 300}),
        fc.string({unit: 'grapheme'}).map(text => Buffer.from(text)),
      ),
      given => {
        for (const mode of ['exact', 'sniff'] as const) {
          const [text, isBase64] = bodyOf(Buffer.from(given), mode);
          const isText = mode === 'sniff' && Buffer.from(text).equals(given); // flagged, but the text as it stands
          if (!Buffer.from(text, isBase64 && !isText ? 'base64' : 'utf8').equals(given)) return false;
        }
        return true;
      },
    ),
    {numRuns: 500},
  );
  t.pass();
});
