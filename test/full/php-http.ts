import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import {type Bridge, rawRequest} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';
import {gone} from '../helpers/process.ts';

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
    const server = serverOf(b);
    b.child.kill('SIGKILL');
    await gone(server);
    await t.throwsAsync(once(b.connect(), 'connect'), {code: 'ECONNREFUSED'});
  });

  check('the bridge ends when its server does, and says so', async t => {
    const b = await startText(t, 'function handle() { return "x"; }');
    process.kill(serverOf(b), 'SIGKILL');
    t.is(await b.exited, 1);
    t.regex(b.output.stderr, /PHP's own server has ended/);
  });

  check('SIGTERM to every process of the service breaks off no call', async t => {
    const b = await startText(t, 'function handle() { echo "running\n"; usleep(300000); return "x"; }');
    const reply = b.call({}, {invocationId: 'i'});
    await b.until(() => b.logs.length > 0);
    for (const pid of [b.child.pid as number, serverOf(b)]) process.kill(pid, 'SIGTERM'); // it runs
    t.is((await reply).text, '"x"');
    t.is((await b.call({})).text, '"x"');
    b.letGo();
    t.is(await b.exited, 0);
  });
}

function serverOf(bridge: Bridge): number {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const [, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (args[0] === '-n' && args.includes(`127.0.0.1:${bridge.port}`)) return Number(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error('The server of the bridge does not run');
}
