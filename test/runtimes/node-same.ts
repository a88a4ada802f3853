import test from 'ava';
import fc from 'fast-check';
import {startNodeText} from '../helpers/node-bridge.ts';

const revive = `function revive(value) {
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$bytes === 'string') return Buffer.from(value.$bytes, 'base64');
  if (Array.isArray(value.$map)) return new Map(value.$map);
  if (Array.isArray(value.$form)) return new URLSearchParams(value.$form);
  if (value.$nothing) return undefined;
  for (const name of Object.keys(value)) value[name] = revive(value[name]);
  return value;
}
exports.handle = async ({value}) => revive(value);`;

const bytes = fc.uint8Array({maxLength: 300}).map(given => ({$bytes: Buffer.from(given).toString('base64')}));
const pairs = fc.array(fc.tuple(fc.string(), fc.string()), {maxLength: 4});
const special = fc.oneof(
  bytes,
  pairs.map($map => ({$map})),
  pairs.map($form => ({$form})),
  fc.constant({$nothing: true}),
);
const any = fc.oneof(fc.jsonValue(), fc.string({unit: 'binary'}), special);
const fields = fc.oneof(any, fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())));
const envelope = fc.record(
  {statusCode: any, headers: fields, multiValueHeaders: fields, body: any, isBase64Encoded: any, more: any},
  {requiredKeys: []},
);

test('node: the channel and HTTP bring the same of any result', async t => {
  const channel = await startNodeText(t, revive);
  const http = await startNodeText(t, revive, {hop: 'http'});
  await fc.assert(
    fc.asyncProperty(fc.oneof(any, envelope), async value => {
      const [one, other] = await Promise.all([channel.call({value}), http.call({value})]);
      t.is(one.status, other.status);
      if (one.status === 500 || one.text === '') t.is(one.text, other.text);
      else t.deepEqual(JSON.parse(one.text), JSON.parse(other.text));
    }),
    {numRuns: 300},
  );
});
