import test from 'ava';
import {auth, authPublic, verifier} from '../../middleware/auth.ts';
import {fixedKey} from '../../middleware/keys.ts';
import {Fault} from '../../src/errors.ts';
import {FakeDelivery, stageContext} from '../helpers/fakes.ts';
import {forbidden, invalid} from '../helpers/known-tokens.ts';
import {claims, clock, ours, publicKey, valid} from '../helpers/tokens.ts';

const unreachable = async (): Promise<never> => {
  throw new Error('This must not be reached');
};

/** Which token the stage reads out of the fields, and what it remembers. */
async function read(fields: Record<string, string>) {
  const ctx = stageContext(new FakeDelivery(), fields);
  let token: string | undefined;
  await auth(async given => {
    token = given;
    return {subject: 'someone'};
  })(ctx, async () => {});
  return {token, credential: ctx.state.principal?.credential};
}

test('a request without a token is refused before the next stage', async t => {
  const without: Record<string, string>[] = [
    {},
    {authorization: ''},
    {authorization: 'Bearer'},
    {authorization: 'Bearer '},
    {authorization: 'Basic dTpw'},
    {authorization: valid},
    {'x-auth-token': '', 'scw-functions-token': '  '},
    {'x-token': valid},
  ];
  for (const fields of without) {
    await t.throwsAsync(auth(unreachable)(stageContext(new FakeDelivery(), fields), unreachable), {
      instanceOf: Fault,
      code: 'AUTH_MISSING',
    });
  }
});

test('a token that is refused stops the chain', async t => {
  const refusing = auth(async () => {
    throw new Fault('AUTH_FORBIDDEN');
  });
  const ctx = stageContext(new FakeDelivery(), {'x-auth-token': 'x'});
  await t.throwsAsync(refusing(ctx, unreachable), {code: 'AUTH_FORBIDDEN'});
  t.is(ctx.state.principal, undefined);
});

test('the first field that is not empty counts', async t => {
  const all = {'scw-functions-token': 'a', scw_functions_token: 'b', 'x-auth-token': 'c', authorization: 'Bearer d'};
  t.deepEqual(await read(all), {token: 'a', credential: 'scw-functions-token'});
  t.deepEqual(await read({...all, 'scw-functions-token': ''}), {token: 'b', credential: 'scw_functions_token'});
  t.deepEqual(await read({...all, 'scw-functions-token': ' ', scw_functions_token: ''}), {token: 'c', credential: 'x-auth-token'});
  t.deepEqual(await read({authorization: 'Bearer d'}), {token: 'd', credential: 'authorization'});
  t.deepEqual(await read({authorization: 'bEARER   d '}), {token: 'd', credential: 'authorization'});
});

test('a field given twice fails as malformed', async t => {
  const stage = auth(verifier(fixedKey(publicKey), claims, clock));
  for (const fields of [{'x-auth-token': `${valid}, ${valid}`}, {authorization: `Bearer ${valid}, Bearer ${valid}`}]) {
    await t.throwsAsync(stage(stageContext(new FakeDelivery(), fields), unreachable), {code: 'AUTH_INVALID'});
  }
});

test('a caller without a token may get an answer of the trigger instead of a refusal', async t => {
  const delivery = new FakeDelivery({anonymousReply: {status: 204, headers: ['A', 'b'], body: ''}});
  await auth(unreachable)(stageContext(delivery), unreachable);
  t.deepEqual(delivery.replies, [{status: 204, headers: ['A', 'b', 'Core-Invocation-Id', 'id-1'], body: ''}]);
  const given = stageContext(delivery, {authorization: 'Bearer x'});
  await t.throwsAsync(
    auth(async () => {
      throw new Fault('AUTH_INVALID');
    })(given, unreachable),
    {code: 'AUTH_INVALID'},
  );
  t.is(delivery.replies.length, 1);
});

test('a delivery that brings its own principal passes, without a look at its fields', async t => {
  for (const stage of [auth(unreachable), authPublic()]) {
    const ctx = stageContext(new FakeDelivery({principal: {subject: 'cron'}}), {authorization: 'Bearer x'});
    let passed = 0;
    await stage(ctx, async () => void passed++);
    t.is(passed, 1);
    t.deepEqual(ctx.state.principal, {subject: 'cron'});
  }
});

test('a public function lets everybody in, and every field stays the function’s', async t => {
  const ctx = stageContext(new FakeDelivery(), {authorization: 'Bearer x'});
  let passed = 0;
  await authPublic()(ctx, async () => void passed++);
  t.is(passed, 1);
  t.deepEqual(ctx.state.principal, {subject: 'public'});
});

test('every refusal has a cause for the log, with nothing of the token in it', async t => {
  const verify = verifier(fixedKey(ours.key), claims, clock);
  for (const [title, given] of [...invalid, ...forbidden]) {
    const fault = await t.throwsAsync<Fault>(verify(given), {instanceOf: Fault}, title);
    const cause = fault?.cause instanceof Error ? fault.cause.message : fault?.cause;
    if (typeof cause !== 'string') return t.fail(`${title}: no cause`);
    for (const part of given.split('.').filter(({length}) => length > 8)) t.false(cause.includes(part), title);
  }
  const without = await t.throwsAsync<Fault>(async () => auth(verify)(stageContext(new FakeDelivery()), async () => {}), {
    instanceOf: Fault,
  });
  t.regex(String(without?.cause), /^no token came in SCW-Functions-Token/);
});
