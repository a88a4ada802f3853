import test, {type ExecutionContext} from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {askAndLeave} from '../helpers/supervision.ts';

// What a Node function is promised, from the public port to the handler and back, on the channel and over HTTP.

const text = `const {fork} = require('node:child_process');
if (process.send) process.send('forked');
process.on('SIGTERM', () => process.stdout.write('hook\\n'));
const results = {
  '/headers': () => ({headers: new Headers([['x-a', 'b'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2']]), body: 'x'}),
  '/form': () => new URLSearchParams({a: '1 2'}),
  '/map': () => ({body: new Map([['a', 1]])}),
  '/bytes': event => ({headers: {'Content-Encoding': 'br'}, body: Buffer.from(event.body, 'base64')}),
  '/late': (event, ...rest) => { setTimeout(rest[1], 10, null, 'late'); },
  '/throws': () => { throw new Error('no luck'); },
  '/fork': () => new Promise(resolve => {
    const child = fork(__filename);
    child.on('message', message => { child.kill('SIGKILL'); child.on('exit', () => resolve(message)); });
  }),
  '/stays': (_event, {signal}) => new Promise((_, reject) => {
    console.log('running');
    signal.addEventListener('abort', () => { console.log('dropped'); reject(signal.reason); });
  }),
};
exports.handle = (event, context, callback) => results[event.path](event, context, callback);`;

for (const hop of ['auto', 'http']) {
  const start = async (t: ExecutionContext, env: Record<string, string> = {}) =>
    startCore({SCW_HANDLER_PATH: await functionFile(t, 'handler.cjs', text), SCW_PUBLIC: 'true', CORE_HOP: hop, ...env}, t);

  test(`hop ${hop}: a Node function gets what its page says`, async t => {
    const core = await start(t);
    const headers = await ask(`${core.url}/headers`);
    t.deepEqual(headers.headers.get('set-cookie'), ['a=1', 'b=2']);
    t.is(headers.field('x-a'), 'b');
    const form = await ask(`${core.url}/form`);
    t.deepEqual([form.text(), form.field('content-type')], ['a=1+2', 'application/x-www-form-urlencoded;charset=UTF-8']);
    t.regex((await ask(`${core.url}/map`)).text(), /a Map has no members that JSON shows/);
    const bytes = Buffer.alloc(1_000_000, Buffer.from([0, 255, 128, 10, 34]));
    const coded = await ask(`${core.url}/bytes`, {method: 'POST', body: bytes});
    t.true(bytes.equals(coded.body));
    t.is(coded.field('content-type'), '');
    t.is((await ask(`${core.url}/late`)).text(), 'late');
    t.is((await ask(`${core.url}/throws`)).text(), 'An error occured during handler execution: no luck\n');
    t.is((await ask(`${core.url}/fork`)).text(), 'forked');
    t.is(await core.stop(), 0);
    t.true(core.logs.some(({msg}) => msg === 'hook'));
  });

  test(`hop ${hop}: with CORE_CANCEL=abort a call of a Node function whose caller left ends, and its place is free`, async t => {
    const core = await start(t, {CORE_CANCEL: 'abort', CORE_CONCURRENCY: '1'});
    const said = (line: string) => core.logs.filter(({msg}) => msg === line).length;
    for (let i = 1; i <= 2; i++) {
      const caller = askAndLeave(`${core.url}/stays`, {});
      while (said('running') < i) await new Promise(setImmediate);
      caller.leave();
      while (said('dropped') < i) await new Promise(setImmediate);
    }
    t.is((await ask(`${core.url}/late`)).text(), 'late');
    t.is(await core.stop(), 0);
  });
}
