import type {BridgeCases} from './bridge-cases.ts';

/** What a bridge tells the core: the report of the load, and the lines of every call. */
export function bridgeReportsSuite({language, hop, check, checkHttp, start}: BridgeCases): void {
  check('the handler sees neither the token nor the descriptor', async t => {
    const bridge = await start(t, 'environment');
    const names: string[] = JSON.parse((await bridge.call({})).text);
    t.true(names.includes('SCW_HANDLER_PATH'));
    t.deepEqual(
      names.filter(name => name.startsWith('CORE_')),
      [],
    );
  });

  check('a reader of the descriptor that is gone costs the log, not the call', async t => {
    const bridge = await start(t, 'floods');
    bridge.channel.destroy();
    for (let i = 0; i < 3; i++) t.is((await bridge.call({})).text, '"flooded"');
  });

  check('a reader of the descriptor that sleeps stops no call', async t => {
    const bridge = await start(t, 'floods');
    bridge.channel.pause();
    for (let i = 0; i < 3; i++) t.is((await bridge.call({}, {invocationId: 'i'})).text, '"flooded"');
    bridge.channel.resume();
    if (language.tags) await bridge.until(() => bridge.logs.length > 100);
  });

  check(`the load is reported once, and calls are ${hop === 'channel' ? 'taken' : 'accepted'} by then`, async t => {
    const bridge = await start(t, 'echo');
    t.is(bridge.records.length, 1);
    t.like(bridge.records[0], {loaded: true, calls: hop === 'channel' ? 1 : undefined});
    t.regex(JSON.stringify(bridge.records[0]), /"runtime":"[A-Z][\w.]* \d+\./); // what runs the handler, for people
    t.is((await bridge.call('x')).text, '"x"');
    t.is(bridge.records.length, 1);
  });

  checkHttp('without a descriptor there is no report, and without a token no check', async t => {
    const bridge = await start(t, 'dawdles', {channel: false, env: {CORE_BRIDGE_TOKEN: ''}});
    t.is((await bridge.call({}, {}, {headers: {'Core-Bridge-Token': 'any'}})).text, '"done"');
    await bridge.until(() => bridge.output.stdout.includes('running\n'));
  });

  check('output outside of a call stays plain', async t => {
    const bridge = await start(t, 'echo');
    await bridge.until(() => bridge.output.stdout === 'loading handlers\n');
    t.deepEqual(bridge.logs, []);
  });

  if (language.tags) {
    check('what concurrent calls write is tagged line by line', async t => {
      const bridge = await start(t, 'prints', {env: {CORE_CONCURRENCY: '4'}});
      const ids = ['a', 'b', 'c', 'd'];
      const trace = (id: string) => id.charCodeAt(0).toString(16).repeat(16);
      await Promise.all(ids.map(id => bridge.call({}, {invocationId: id, trace: {traceparent: `00-${trace(id)}-b7ad6b7169203331-01`}})));
      await bridge.until(() => bridge.logs.length === 16);
      for (const id of ids) {
        const logs = bridge.logs.filter(log => log.invocationId === id);
        const lines = (stream: string) => logs.filter(log => log.stream === stream).map(log => log.line);
        t.deepEqual(lines('stdout'), [`first of ${id}`, `half of ${id}`, `tail of ${id}`]);
        t.deepEqual(lines('stderr'), [`error of ${id}`]);
        t.true(logs.every(log => log.traceId === trace(id)));
      }
      t.is(bridge.output.stdout, 'loading handlers\n');
    });
  }
}
