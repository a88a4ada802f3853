import {once} from 'node:events';
import {rawRequest} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';
import {below, gone} from '../helpers/process.ts';

eachHop(php => {
  if (php.hop === 'http') cases(php);
});

/** What PHP's own server adds to the bridge. */
function cases({check, startText}: Php): void {
  check('every reply names its call and closes its connection, and the core hears when the call is over', async t => {
    const b = await startText(t, 'function handle() { return "x"; }');
    for (const id of ['first', 'second']) {
      const socket = b.connect();
      const request = rawRequest(`{"event":{},"context":{"invocationId":"${id}"}}`);
      socket.write(request.replace('\r\n', `\r\nCore-Invocation-Id: ${id}\r\n`));
      const reply = Buffer.concat(await socket.toArray()).toString();
      socket.destroy();
      t.regex(reply, new RegExp(`^HTTP/1\\.1 200 OK\r\n.*\r\nCore-Invocation-Id: ${id}\r\n.*"x"$`, 's'));
      await b.until(() => b.records.some(record => (record as {settled?: string}).settled === id)); // one JSON object each
    }
  });

  check('the server ends with the bridge, also when that is killed', async t => {
    const b = await startText(t, 'function handle() { return "x"; }');
    const server = below(b.child.pid as number).at(-1) as number; // the bridge runs, and has children
    b.child.kill('SIGKILL');
    await gone(server);
    await t.throwsAsync(once(b.connect(), 'connect'), {code: 'ECONNREFUSED'});
  });

  check('the bridge ends when its server does, and says so', async t => {
    const b = await startText(t, 'function handle() { return "x"; }');
    process.kill(below(b.child.pid as number).at(-1) as number, 'SIGKILL'); // it runs, and has children
    t.is(await b.exited, 1);
    t.regex(b.output.stderr, /PHP's own server has ended/);
  });

  check('SIGTERM to every process of the service breaks off no call', async t => {
    const b = await startText(t, 'function handle() { echo "running\n"; usleep(300000); return "x"; }');
    const reply = b.call({}, {invocationId: 'i'});
    await b.until(() => b.logs.length > 0);
    const pid = b.child.pid as number; // it runs
    for (const each of [pid, ...below(pid)]) process.kill(each, 'SIGTERM');
    t.is((await reply).text, '"x"');
    t.is((await b.call({})).text, '"x"');
    b.letGo();
    t.is(await b.exited, 0);
  });
}
