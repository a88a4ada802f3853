import {createHmac, timingSafeEqual} from 'node:crypto';
import test from 'ava';
import {ConfigurationError} from '../../../src/errors.ts';
import {signedFields} from '../../../src/work/callback/sign.ts';
import {readCallbackSecret} from '../../../src/work/callback-secret.ts';

const key = Buffer.alloc(32, 7);
const text = `whsec_${key.toString('base64')}`;

for (const [title, given] of [
  ['without its prefix', key.toString('base64')],
  ['that is not base64', 'whsec_?'.padEnd(50, '?')],
  ['in base64url', `whsec_${'_-'.repeat(20)}`],
  ['with a character too many', `${text}A`],
  ['of 23 bytes', `whsec_${Buffer.alloc(23).toString('base64')}`],
  ['of 65 bytes', `whsec_${Buffer.alloc(65).toString('base64')}`],
  ['that is empty', ''],
  ['of which one part is wrong', `${text} secret`],
] as const) {
  test(`a secret ${title} is refused, and not shown`, t => {
    const error = t.throws(() => readCallbackSecret(given), {
      instanceOf: ConfigurationError,
      message: /expected whsec_ and 24 to 64 bytes/,
    });
    t.false(given !== '' && error.message.includes(given));
  });
}

test('the example of Standard Webhooks has the signature that it should have', t => {
  const keys = readCallbackSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const body = Buffer.from('{"test": 2432232314}');
  t.deepEqual(signedFields('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, body, keys), {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('while a secret is changed both sign', t => {
  const other = Buffer.alloc(24, 9);
  const keys = readCallbackSecret(`${text}  whsec_${other.toString('base64')}\n`);
  const signatures = signedFields('a', 0, Buffer.from('b'), keys)['webhook-signature']?.split(' ') ?? [];
  t.is(signatures.length, 2);
  for (const [index, one] of [key, other].entries()) {
    const expected = createHmac('sha256', one).update('a.0.b').digest();
    t.true(timingSafeEqual(Buffer.from(signatures[index]?.slice(3) ?? '', 'base64'), expected));
  }
});
