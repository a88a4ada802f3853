import test from 'ava';
import {redactor} from '../../src/journals/payload.ts';
import {forgottenSecrets, readStored, storedPayloads} from '../../src/work/stored.ts';

const redact = redactor('');
const request = (...headers: string[]) => ({
  shape: 'request' as const,
  eventType: 'http',
  reply: 'http' as const,
  method: 'POST',
  path: '/',
  query: '',
  headers,
  sourceIp: '',
  body: Buffer.from('x'),
});

async function back(stored: Parameters<typeof storedPayloads>[1]) {
  const payloads = new Map(storedPayloads('1', stored, redact).map(({name, bytes}) => [name, bytes]));
  return {count: payloads.size, read: await readStored('1', async name => payloads.get(name))};
}

test('a request comes back with its secrets, its sender, and values that only look as if they were taken out', async t => {
  const mark = redact(['Authorization', 'x'])[1] ?? '';
  for (const [subject, headers] of [
    ['', ['Authorization', 'Bearer a']],
    ['', ['X-Odd', mark]],
    ['somebody', ['X-Plain', '1']],
  ] as const) {
    const {count, read} = await back({request: request(...headers), subject});
    t.is(count, 2);
    t.deepEqual([read?.subject, read?.request.headers], [subject, [...headers]]);
  }
});

test('beside a request of nobody without secrets stands nothing, and its end leaves nothing', async t => {
  const {count, read} = await back({request: request('X-Plain', '1'), subject: ''});
  t.is(count, 1);
  t.deepEqual(read?.request.headers, ['X-Plain', '1']);
  t.deepEqual(forgottenSecrets({id: '1', isBare: true}), []);
  t.is(forgottenSecrets({id: '1'}).length, 1);
});
