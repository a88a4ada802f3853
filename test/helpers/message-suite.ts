import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {brokenWhileRunning} from './message-breaks.ts';
import {type Broker, isSent} from './message-broker.ts';
import {manyWithKills} from './message-kills.ts';
import {message, metric, numbersOf, place, range, until} from './message-place.ts';
import {ask} from './request.ts';

/*
What every trigger for messages must do, with a real broker and cores in processes of their own. Message systems differ in
what they promise; `Broker` says what is asked of one.
*/

export function messageSuite(title: string, broker: Broker): void {
  const check = (behaviour: string, act: (t: ExecutionContext) => Promise<void>) => {
    const named = `${title}: ${behaviour}`;
    if (broker.missing !== undefined) test.skip(`${named} (skipped: ${broker.missing})`, act);
    else
      test.serial(named, async t => {
        t.timeout(240_000);
        await act(t);
      });
  };

  check('a message that fails is delivered again, and the function is told which time it is', async t => {
    const source = await broker.open(t);
    const {start, calls} = await place(t, source.entry);
    await start();
    await source.send([message(1, {fails: 2})]);
    await until(async () => (await source.left()) === 0 && calls().length >= 3);
    t.deepEqual(
      calls().map(({event}) => event.requestContext.message.attempt),
      [1, 2, 3],
    );
  });

  check('a message that fails as often as it may is put aside, and holds back no other', async t => {
    const source = await broker.open(t);
    if (!source.buried) return void t.pass('it has no place for such messages');
    const {start, calls} = await place(t, {...source.entry, attempts: 2});
    await start();
    await source.send([message(1, {fails: 99}), ...range(10, 2).map(n => message(n))]);
    await until(async () => (await source.left()) === 0 && ((await source.buried?.())?.length ?? 0) > 0);
    t.deepEqual(
      (await source.buried()).map(body => JSON.parse(body).n),
      [1],
    );
    t.is(calls().filter(({n}) => n === 1).length, 2);
    t.deepEqual(numbersOf(calls()), range(11, 1));
  });

  check('every message is delivered as a POST with its body, and acknowledged', async t => {
    const source = await broker.open(t);
    const {start, calls} = await place(t, source.entry);
    const core = await start();
    const attributes = {'x-tenant': 'näh', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'};
    await source.send(range(30).map(n => (broker.hasAttributes ? {...message(n), attributes} : message(n))));
    await until(async () => (await source.left()) === 0 && calls().length >= 30);
    t.deepEqual(numbersOf(calls()), range(30));
    t.is(calls().length, 30);
    const [{event} = {}] = calls();
    t.is(event?.httpMethod, 'POST');
    t.is(event?.path, '/');
    t.is(event?.requestContext.eventType, broker.type);
    t.truthy(event?.requestContext.message.id);
    if (broker.hasAttributes) t.is(event?.headers['X-Tenant'] ?? event?.headers['x-tenant'], 'näh');
    await until(async () => (await metric(core, 'core_messages_total')) >= 30); // the broker knows a moment before the core
    t.is(await metric(core, 'core_messages_total'), 30);
  });

  check('odd messages reach the function as they are, and harm no other', async t => {
    if (!broker.carriesBytes) return void t.pass('its messages are texts');
    const source = await broker.open(t);
    const {start, calls} = await place(t, source.entry);
    const core = await start();
    const bodies = ['', '\0\r\n', 'x'.repeat(1_500_000)].map(text => Buffer.from(text));
    bodies.push(Buffer.from([0xff, 0xfe]), Buffer.alloc(1_500_000, 0xff));
    const odd = {
      'näme of words': 'a: "b", ć',
      'Transfer-Encoding': 'chunked',
      'content-length': '7',
      ['__proto__']: 'x',
      'core-timeout': 'soon',
    };
    const many = Object.fromEntries(range(500).map(n => [`name-${n}`, 'value']));
    await source.send(bodies.map(bytes => ({body: '', bytes, ...(broker.hasAttributes && {attributes: {...odd, ...many}})})));
    await source.send([message(1)]);
    await until(async () => (await source.left()) === 0 && calls().length >= 6);
    const got = calls().map(({event}) => Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8'));
    t.is(got.length, 6);
    for (const body of bodies)
      t.true(
        got.some(each => each.equals(body)),
        `${body.length} bytes`,
      );
    if (broker.hasAttributes) t.is(calls().find(({n}) => n === undefined)?.event.headers['Name-499'], 'value');
    if (broker.hasAttributes) t.is(calls().find(({n}) => n === undefined)?.event.headers['N%c3%a4me%20of%20words'], 'a: "b", ć');
    t.is(await metric(core, 'core_messages_total'), 6);
  });

  check('while the broker is away the core serves, says so, and goes on when it is back', async t => {
    const source = await broker.open(t);
    const {start, calls} = await place(t, source.entry);
    const core = await start();
    await source.send([message(1)]);
    await until(() => calls().length === 1);
    await source.kill();
    await until(async () => (await metric(core, 'core_messages_connected')) === 0);
    const ready = await ask(`${core.adminUrl}/readyz`);
    t.is(ready.status, 200);
    t.regex(JSON.parse(ready.body.toString()).detail, /^orders: the broker is away: /);
    await source.restart();
    while (!(await isSent(source, [message(2)]))) await new Promise(resolve => setTimeout(resolve, 100)); // it listens before it takes any
    await until(async () => calls().some(({n}) => n === 2) && (await source.left()) === 0);
    t.is(core.logs.filter(({msg}) => msg.includes('is away')).length, 1, 'said once');
  });

  check('a broker that breaks while a function runs is read again at once, and the function is not called twice', t =>
    brokenWhileRunning(t, broker),
  );

  check('of large messages no more are held than have room in memory', async t => {
    if (!broker.isBounded) return void t.pass('it hands out as it likes');
    const source = await broker.open(t);
    const {start, calls, folder} = await place(t, source.entry, {CORE_INFLIGHT_BYTES: String(8 * 2 ** 20), CORE_CONCURRENCY: '64'});
    const gate = join(folder, 'gate');
    for (const n of range(30)) await source.send([message(n, {until: gate, pad: 'x'.repeat(200_000)})]);
    const core = await start();
    await until(() => calls().length >= 10);
    let most = 0;
    for (let look = 0; look < 50; look++) most = Math.max(most, await metric(core, 'core_messages_in_flight'));
    t.true(most <= 13, `${most} messages of 200 kB were held, where 2 MiB have room`);
    await writeFile(gate, '');
    await until(async () => (await source.left()) === 0);
    t.deepEqual(numbersOf(calls()), range(30));
  });

  check('what a core was handling when it was killed is delivered to the next one', async t => {
    const source = await broker.open(t);
    if (!broker.keepsUnacknowledged) return void t.pass('it does not deliver such messages again');
    const {folder, start, calls} = await place(t, source.entry);
    const first = await start();
    await source.send([message(1, {until: `${folder}/go`}), message(2)]);
    await until(() => calls().some(({n}) => n === 1));
    first.kill('SIGKILL');
    await first.exited;
    await writeFile(`${folder}/go`, '');
    await start();
    await until(async () => (await source.left()) === 0);
    const ones = calls().filter(({n}) => n === 1);
    t.is(ones.length, 2);
    if (!broker.hasNoIds) t.is(ones[0]?.id, ones[1]?.id, 'the same invocation');
  });

  check('a call that takes longer than the lease of its message is made once, though another core reads, too', async t => {
    if (broker.lease === undefined) return void t.pass('a message stays with its core');
    const source = await broker.open(t);
    const {folder, start, calls} = await place(t, {...source.entry, [broker.lease]: '4s'});
    const cores = [await start(), await start({CORE_JOURNAL: `sqlite:${folder}/other.db`})];
    for (const core of cores) await until(async () => (await metric(core, 'core_messages_connected')) === 1);
    await source.send([message(1, {ms: 7000})]);
    const taken = () => Promise.all(cores.map(core => metric(core, 'core_messages_total')));
    await until(async () => (await taken()).includes(1) && (await source.left()) === 0);
    t.is(calls().length, 1);
    t.deepEqual((await taken()).toSorted(), [0, 1], 'it was not handed out again');
  });

  check('a stop finishes what runs and acknowledges it, gives back what has not started, and loses nothing', async t => {
    const source = await broker.open(t);
    const {folder, start, calls} = await place(t, {...source.entry, concurrency: 4});
    const first = await start();
    await source.send(range(40).map(n => message(n, {until: `${folder}/go`})));
    await until(() => calls().length >= 4);
    first.kill('SIGTERM');
    await first.logged(({msg}) => msg === 'Stopping');
    await writeFile(`${folder}/go`, '');
    t.is(await first.exited, 0);
    const begun = calls().length;
    await start({CORE_JOURNAL: `sqlite:${folder}/other.db`}); // it knows only what the broker was told
    await until(async () => (await source.left()) === 0 && new Set(calls().map(({n}) => n)).size === 40);
    t.is(calls().length, 40, `${begun} had begun before, and none of them came again`);
  });

  check('work takes a message, and tries it by its own rules', async t => {
    const source = await broker.open(t);
    const {start, calls} = await place(t, {...source.entry, ack: 'accepted'}, {CORE_WORK: 'on', CORE_WORK_ATTEMPTS: '2'});
    const core = await start();
    await source.send([message(1, {fails: 99}), message(2)]);
    await until(async () => (await source.left()) === 0 && calls().length >= 3);
    await until(async () => /core_dead_letters(\{[^}]*\})? 1/.test((await ask(`${core.adminUrl}/metrics`)).body.toString()));
    t.deepEqual(
      calls()
        .map(({n}) => n)
        .toSorted(),
      [1, 1, 2],
    );
  });

  check('of many messages none is lost while cores and the broker are killed', t => manyWithKills(t, broker));
}
