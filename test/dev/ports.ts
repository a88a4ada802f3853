import {once} from 'node:events';
import net, {type AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import type {CommandFailed} from '../../src/command/failure.ts';
import {freePort, requireFree} from '../../src/dev/ports.ts';
import {exit} from '../../src/exit.ts';

async function taken(t: ExecutionContext, host: string): Promise<number> {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

for (const host of ['127.0.0.1', '0.0.0.0', '::1']) {
  test(`a port that something listens on at ${host} is refused by name; without a name the next is taken`, async t => {
    const port = await taken(t, host);
    const message = new RegExp(`^--port: expected a free port, but something listens on ${port}\\. .*leave --port out`);
    t.is((await t.throwsAsync<CommandFailed>(requireFree('127.0.0.1', port), {message}))?.exitCode, exit.portTaken);
    t.true((await freePort('127.0.0.1', port)) > port);
  });
}

test('an address of another machine is refused', async t => {
  t.is(
    (
      await t.throwsAsync<CommandFailed>(freePort('192.0.2.1', 8080), {
        message: /^--host: expected an address of this machine, got `192\.0\.2\.1`/,
      })
    )?.exitCode,
    exit.misused,
  );
});

test('port 0 is always free', async t => {
  await t.notThrowsAsync(requireFree('127.0.0.1', 0));
});
