import {once} from 'node:events';
import {type BridgeCases, everything} from './bridge-cases.ts';

/** How a bridge ends: by a signal, or when the core lets go. */
export function bridgeStopSuite({hop, check, start}: BridgeCases): void {
  check('after a SIGTERM that is not the core’s calls are served until the core lets go', async t => {
    const bridge = await start(t, 'dawdles');
    const first = bridge.call({}, {invocationId: 'first'});
    await bridge.until(() => everything(bridge).includes('running'));
    bridge.child.kill('SIGTERM');
    t.like(await first, {status: 200, text: '"done"'});
    for (const invocationId of ['second', 'third']) t.like(await bridge.call({}, {invocationId}), {status: 200, text: '"done"'});
    bridge.letGo();
    t.is(await bridge.exited, 0);
  });

  check('SIGTERM lets the call in flight finish, drops idle connections and exits 0', async t => {
    const bridge = await start(t, 'dawdles');
    if (hop === 'http') await once(bridge.connect(), 'connect');
    const reply = bridge.call({}, {invocationId: 'last'});
    await bridge.until(() => everything(bridge).includes('running'));
    bridge.child.kill('SIGTERM');
    t.like(await reply, {status: 200, text: '"done"'});
    t.is(await bridge.exited, 0);
    await t.throwsAsync(once(bridge.connect(), 'connect'), {code: 'ECONNREFUSED'});
  });

  if (hop === 'channel') {
    check('at the end of the stream the call in flight is finished, then the process exits with 0', async t => {
      const bridge = await start(t, 'dawdles');
      const reply = bridge.call({}, {invocationId: 'last'});
      await bridge.until(() => everything(bridge).includes('running'));
      bridge.calls?.end();
      t.like(await reply, {status: 200, text: '"done"'});
      t.is(await bridge.exited, 0);
    });
  }
}
