import {writeFile} from 'node:fs/promises';
import type {Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import type {Call} from '../../src/conform/channel/call.ts';
import type {Calls} from '../../src/conform/channel/calls.ts';
import {functionFile, runOf} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';

// What the PHP bridge does on the channel when several calls share it, beyond the cases of conform.

const longBytes = 1_500_000;

eachHop(php => {
  if (php.hop === 'channel') cases(php);
});

function cases({check, startText}: Php): void {
  /** A bridge in which a call runs that ends, with a long reply, when told to. Meanwhile the core reads nothing. */
  async function busy(t: ExecutionContext) {
    const go = await functionFile(t, 'wait', '');
    const b = await startText(
      t,
      `function handle($event) {
        if ($event['path'] !== '/long') return 'short';
        echo "running\\n";
        while (filesize(${JSON.stringify(go)}) === 0) { usleep(1000); clearstatcache(); }
        return str_repeat('x', ${longBytes});
      }`,
    );
    const calls = b.calls as Calls; // it is on the channel
    const socket = b.child.stdio[4] as Socket; // 'pipe' makes it a socket
    const long = calls.begin(runOf({path: '/long'}));
    await b.until(() => b.logs.some(({line}) => line === 'running'));
    const endUnread = async () => {
      socket.pause();
      await writeFile(go, 'go');
      await new Promise(resolve => setTimeout(resolve, 200)); // it writes as much as the socket takes
      socket.resume();
    };
    return {b, calls, long, endUnread};
  }

  async function endsWhole(t: ExecutionContext, calls: Calls, long: Call): Promise<void> {
    const outcome = await long.outcome;
    t.true(outcome.kind === 'result' && outcome.body.length === longBytes);
    t.is(calls.broken, undefined);
  }

  check('a PING that waits is answered between the frames of a reply longer than the socket takes', async t => {
    const {b, calls, long, endUnread} = await busy(t);
    const pong = calls.ping();
    await endUnread();
    await pong;
    await endsWhole(t, calls, long);
    t.is((await b.call({path: '/'})).text, '"short"');
  });

  check('a call that waits and is cancelled ends between the frames of a reply longer than the socket takes', async t => {
    const {calls, long, endUnread} = await busy(t);
    const waiting = calls.begin(runOf({path: '/'}));
    calls.cancel(waiting);
    await endUnread();
    t.is((await waiting.outcome).kind, 'end');
    await endsWhole(t, calls, long);
  });

  check('answers that find the socket full wait, and what is read meanwhile is read once', async t => {
    const {b, calls, long, endUnread} = await busy(t);
    const waiting = Array.from({length: 1000}, () => calls.begin(runOf({path: '/'})));
    for (const call of waiting) calls.cancel(call);
    const pongs = calls.pings(3000, []);
    await endUnread();
    await pongs;
    for (const call of waiting) t.is((await call.outcome).kind, 'end');
    await endsWhole(t, calls, long);
    t.is((await b.call({path: '/'})).text, '"short"');
  });
}
