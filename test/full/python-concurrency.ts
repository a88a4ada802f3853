import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {startCore} from '../helpers/core.ts';

// Ten calls meet in the handler, or none of them goes on: only calls that run together are answered.

const calls = Array.from({length: 10}, (_, index) => index);
const body = `    global most, now
    now += 1
    most = max(most, now)
    PAUSE
    now -= 1
    return most
`;

for (const hop of ['auto', 'http']) {
  const start = async (t: Parameters<typeof functionFile>[0], text: string, env: Record<string, string> = {}) => {
    const path = await functionFile(t, 'handler.py', `import asyncio, time\nmost = now = 0\n${text}`);
    const core = await startCore({SCW_HANDLER_PATH: path, SCW_PUBLIC: 'true', CORE_HOP: hop, ...env}, t);
    return async () => Math.max(...(await Promise.all(calls.map(async () => Number(await (await fetch(core.url)).text())))));
  };

  test(`hop ${hop}: plain Python handlers run one at a time`, async t => {
    const most = await start(t, `def handle(event, context):\n${body.replace('PAUSE', 'time.sleep(0.02)')}`);
    t.is(await most(), 1);
  });

  test(`hop ${hop}: as many async Python handlers run as CORE_CONCURRENCY says`, async t => {
    const most = await start(t, `async def handle(event, context):\n${body.replace('PAUSE', 'await asyncio.sleep(0.05)')}`, {
      CORE_CONCURRENCY: '2',
    });
    t.is(await most(), 2);
  });

  test(`hop ${hop}: async Python handlers run together by default`, async t => {
    const all = `async def handle(event, context):
    global now
    now += 1
    while now < 10:
        await asyncio.sleep(0.01)
    return now
`;
    t.is(await (await start(t, all))(), 10);
  });
}
