import test from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {startPassing} from '../helpers/passthrough.ts';
import {ask} from '../helpers/request.ts';
import {metric, restarts} from '../helpers/supervision.ts';
import {publicKey} from '../helpers/tokens.ts';

// A server that listens beyond loopback is reached past the core.

const program = projectFile('test/fixtures/servers/exposed.cjs');
const key = publicKey.export({type: 'spki', format: 'pem'}) as string;
const asPrivate = {SCW_PUBLIC: 'false', SCW_PUBLIC_KEY: key, SCW_APPLICATION_ID: 'app-1'};
const isSaid = ({msg}: {msg: string}) => msg.startsWith('The server listens beyond loopback');

for (const address of ['0.0.0.0', '::']) {
  test(`that of a private function is ended, and the cause is said: ${address}`, async t => {
    const core = await startPassing({...asPrivate, SERVER_LISTENS: address, CORE_RESTARTS: '0'}, t, program);
    t.like(await core.logged(isSaid), {level: 'error', address});
    await core.logged(({msg}) => /was killed/.test(msg));
    t.true((await metric(core, restarts('exposed'))) > 0);
    const ready = await ask(`${core.adminUrl}/readyz`);
    t.is(ready.status, 503);
    t.regex(ready.text(), /listens beyond loopback/);
  });
}

test('it is served where that is allowed, and said', async t => {
  const core = await startPassing({...asPrivate, SERVER_LISTENS: '0.0.0.0', CORE_UPSTREAM_EXPOSED: 'allow'}, t, program);
  t.like(await core.logged(isSaid), {level: 'warn'});
  while ((await ask(`${core.adminUrl}/readyz`)).status !== 200) await new Promise(resolve => setTimeout(resolve, 10));
  t.is((await ask(core.url)).status, 401);
});

test('that of a public function is served, and said; one on loopback is not worth a word', async t => {
  const core = await startPassing({SERVER_LISTENS: '::'}, t, program);
  t.is((await ask(core.url)).text(), 'open to all');
  t.like(await core.logged(isSaid), {level: 'warn', address: '::'});
  for (const address of ['127.0.0.1', '127.0.0.2']) {
    const own = await startPassing({...asPrivate, SERVER_LISTENS: address, SCW_UPSTREAM_HOST: address}, t, program);
    while ((await ask(`${own.adminUrl}/readyz`)).status !== 200) await new Promise(resolve => setTimeout(resolve, 10));
    t.false(own.logs.some(isSaid));
  }
});

test('a sub-runtime that is given events is only said to be open', async t => {
  const env = {...asPrivate, SERVER_LISTENS: '0.0.0.0', CORE_COMMAND: JSON.stringify([process.execPath, program])};
  const core = await startCore(env, t);
  t.like(await core.logged(isSaid), {level: 'warn'});
});
