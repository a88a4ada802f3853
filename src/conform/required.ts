import {accepts} from '../workers/process/port.ts';
import type {CommonCase, HttpCase} from './case.ts';
import {same, sameJson} from './expect.ts';

const envelope = {statusCode: 201, headers: {'X-A': 'b'}, body: {key: 'value'}};
const beyondAscii = 'Zoë 日本 😀';
const big = 'x'.repeat(6 * 2 ** 20);
/** On Linux this is a loopback address, too; only a server on all interfaces answers there. */
const elsewhere = '127.0.0.2';
const everyByte = Buffer.from(Array.from({length: 256}, (_, index) => index));

/** What the protocol requires of every sub-runtime. */
export const requiredCases: readonly (CommonCase | HttpCase)[] = [
  {
    title: 'an envelope comes back as JSON with status 200',
    run: async sub => sameJson(await sub.returns({do: 'return', value: envelope}), envelope),
  },
  {
    title: 'a text that is not an envelope comes back',
    run: async sub => same(await sub.text({do: 'return', value: 'plain text'}), 'plain text'),
  },
  {
    title: 'a list comes back as JSON',
    run: async sub => sameJson(await sub.returns({do: 'return', value: [1, 'two', null]}), [1, 'two', null]),
  },
  {
    title: 'a number and a truth value come back as JSON',
    async run(sub) {
      for (const value of [7, true]) sameJson(await sub.returns({do: 'return', value}), value);
    },
  },
  {
    title: 'text beyond ASCII survives, also beyond the basic plane',
    run: async sub => same(await sub.text({do: 'return', value: beyondAscii}), beyondAscii),
  },
  {
    title: 'no result is an empty body or the JSON null',
    async run(sub) {
      const body = await sub.returns({do: 'nothing'});
      if (body !== '') sameJson(body, null);
    },
  },
  {
    title: 'the event arrives as it was sent',
    async run(sub) {
      const {httpMethod, path, queryStringParameters} = JSON.parse(await sub.returns({do: 'event'}));
      same({httpMethod, path, query: queryStringParameters}, {httpMethod: 'POST', path: '/conform', query: {q: 'last'}});
    },
  },
  {
    title: 'the context arrives: name, memory, invocation id',
    async run(sub) {
      const context = JSON.parse(await sub.returns({do: 'context'}, {invocationId: 'an-id'}));
      const {functionName, memoryInMb, invocationId} = context;
      same({functionName, memoryInMb, invocationId}, {functionName: 'conform', memoryInMb: 128, invocationId: 'an-id'});
    },
  },
  {
    title: 'a header is found by its name',
    run: async sub => same(await sub.text({do: 'header', name: 'X-Conform'}), 'yes'),
  },
  {
    title: 'bytes survive as base64',
    async run(sub) {
      const {body, isBase64Encoded} = JSON.parse(await sub.returns(everyByte));
      same({body, isBase64Encoded}, {body: everyByte.toString('base64'), isBase64Encoded: true});
    },
  },
  {
    title: 'a body of 6 MiB survives both ways',
    async run(sub) {
      const text = await sub.text({do: 'return', value: big});
      if (text !== big) throw new Error(`expected ${big.length} times x, got ${text.length} characters`);
    },
  },
  {
    title: 'a handler that fails is status 500 with its message',
    async run(sub) {
      const {status, body} = await sub.call({do: 'throw', message: 'no luck'});
      same({status, tells: body.toString('utf8').includes('no luck')}, {status: 500, tells: true});
    },
  },
  {
    title: 'after a failure the next call is served',
    async run(sub) {
      await sub.call({do: 'throw', message: 'once'});
      same(await sub.text({do: 'return', value: 'still here'}), 'still here');
    },
  },
  {
    title: 'a reply that names a call names its own, byte for byte, errors too',
    over: 'http',
    async run(sub) {
      for (const script of [
        {do: 'return', value: 1},
        {do: 'throw', message: 'no luck'},
      ]) {
        const named = await sub.named(script, 'Whose-Reply_1');
        if (named !== undefined) same({'core-invocation-id': named}, {'core-invocation-id': 'Whose-Reply_1'});
      }
    },
  },
  {
    title: 'twenty calls at once are all answered, each with its own result',
    several: 'queued',
    async run(sub) {
      const numbers = Array.from({length: 20}, (_, index) => index);
      const answers = await Promise.all(numbers.map(value => sub.returns({do: 'return', value: [value]})));
      const expected = numbers.map(value => [value]);
      sameJson(`[${answers}]`, expected);
    },
  },
  {
    title: 'it listens on 127.0.0.1 only',
    over: 'http',
    run: async sub => same({'127.0.0.2': await accepts(elsewhere, sub.port)}, {'127.0.0.2': false}),
  },
  {
    title: 'TERM ends it within five seconds',
    async run(_sub, start) {
      const own = await start();
      const ending = await own.stop();
      if (ending === 'SIGKILL') throw new Error('it had to be killed');
    },
  },
];
