import {once} from 'node:events';
import net from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, rawRequest, startBridge, token} from './bridge.ts';

export interface Language {
  /** Shown before every title. */
  title: string;
  binary: string;
  bridge: string;
  /** The shared handlers, without extension. */
  handlers: string;
  extension: string;
  /** What a module that cannot be parsed looks like. */
  brokenText: string;
  /** False where the language cannot follow a call: lines then stay on plain stdout. */
  tags: boolean;
  /** True for a program that carries its handlers: it loads no file, and no value of its contains itself. */
  compiled?: true;
  /** How it is called: over HTTP by default, or in frames on a descriptor of its own. */
  hop?: 'http' | 'channel';
  /** Its server closes a connection after one call. */
  closes?: true;
}

const notLoaded =
  'Function Handler does not exist, check that you provided the right HANDLER parameter (path to your module with exported function to use)';

/** What every language's bridge does. Refusals first. */
export function bridgeSuite(language: Language): void {
  const {hop = 'http'} = language;
  const check = (title: string, body: (t: ExecutionContext) => Promise<void>) =>
    test.serial(`${language.title}${hop === 'channel' ? ' on the channel' : ''}: ${title}`, body);
  const checkHttp: typeof check = (title, body) => hop === 'http' && check(title, body);
  const textType = hop === 'http' ? 'text/plain; charset=utf-8' : 'text/plain';

  function start(t: ExecutionContext, name: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
    return startBridge(t, {binary: language.binary, bridge: language.bridge, path: language.handlers, name, hop, ...more});
  }

  checkHttp('a request without the token, or with another, is refused before the handler', async t => {
    const bridge = await start(t, 'fails');
    for (const headers of [{'Core-Bridge-Token': ''}, {'Core-Bridge-Token': `${token}x`}]) {
      const reply = await bridge.call({}, {}, {headers});
      t.is(reply.status, 403);
      t.regex(reply.text, /Core-Bridge-Token/);
    }
    t.deepEqual(bridge.logs, []);
  });

  checkHttp('another path or method is refused', async t => {
    const bridge = await start(t, 'echo');
    t.is((await bridge.call({}, {}, {path: '/other'})).status, 404);
    t.is((await bridge.send({method: 'GET'})).status, 405);
  });

  checkHttp('a body that is not a JSON object is refused', async t => {
    const bridge = await start(t, 'echo');
    for (const body of ['', '{"event":', '7', 'null']) t.is((await bridge.send({body})).status, 400, body);
  });

  checkHttp(`a body past the limit is refused, and the ${language.closes ? 'process' : 'connection'} serves the next request`, async t => {
    const bridge = await start(t, 'echo', {env: {SCW_PAYLOAD_MAX_SIZE: '1'}});
    const limit = 6 + 8 * 1024 * 1024;
    const socket = bridge.connect();
    socket.write(rawRequest(' '.repeat(limit + 1)));
    if (!language.closes) socket.write(rawRequest('{"event": "next"}'));
    const received = await readReplies(socket, language.closes ? 1 : 2);
    t.regex(received, /^HTTP\/1\.1 413 /);
    if (!language.closes) t.regex(received, /"next"$/);
    t.is((await bridge.call('x'.repeat(limit - 200))).status, 200);
  });

  if (language.compiled) {
    check('every reply names its call, so that the connection serves the next', async t => {
      const bridge = await start(t, 'echo');
      const socket = bridge.connect();
      const requests = ['{"event": "a"}', 'no JSON'].map((body, index) =>
        rawRequest(body).replace('\r\n', `\r\nCore-Invocation-Id: id-${index}\r\n`),
      );
      socket.write(requests.join(''));
      const received = await readReplies(socket, 2);
      t.deepEqual(
        [...received.matchAll(/\r\ncore-invocation-id: (.*)\r\n/gi)].map(([, id]) => id),
        ['id-0', 'id-1'],
      );
    });
  }

  if (!language.compiled) {
    check('a file that is not there is reported, and every call gets the one text', async t => {
      const bridge = await start(t, 'echo', {path: '/nowhere/handler'});
      t.like(bridge.records[0], {loaded: false});
      t.regex(reportedError(bridge), /\/nowhere\/handler/);
      for (let i = 0; i < 2; i++) {
        t.like(await bridge.call({}), {status: 500, type: textType, text: notLoaded});
      }
    });

    check('a file that cannot be parsed is reported in one line, and its place is logged', async t => {
      const file = await functionFile(t, `broken.${language.extension}`, language.brokenText);
      const bridge = await start(t, 'handle', {path: file});
      t.regex(reportedError(bridge), /^SyntaxError: [^\n]+$/);
      await bridge.until(() => bridge.logs.some(({stack = ''}) => stack.includes(`broken.${language.extension}`)));
      t.is((await bridge.call({})).text, notLoaded);
    });

    check('a name that is not exported is reported', async t => {
      const bridge = await start(t, 'absent');
      t.regex(reportedError(bridge), /absent/);
      t.is((await bridge.call({})).text, notLoaded);
    });
  }

  check('a handler that throws is a 500 with the bare message, its stack is logged, and the next call is served', async t => {
    const bridge = await start(t, 'fails');
    for (let i = 0; i < 2; i++) {
      t.like(await bridge.call({}, {invocationId: 'i'}), {status: 500, type: textType, text: 'no luck – today'});
    }
    const thrown = () => bridge.logs.filter(log => log.invocationId === 'i' && log.stream === 'stderr');
    await bridge.until(() => thrown().length >= 2);
    t.is(thrown().length, 2); // one record each
    for (const {level, line, stack = ''} of thrown()) {
      t.is(level, 'error');
      t.true(line.includes('no luck – today'), line);
      t.true(stack.includes('no luck – today') && stack.includes(`handlers.${language.extension}`), stack);
      t.notRegex(stack, /[/\\]bridge\.(cjs|py|php)/);
    }
  });

  check('a result that is not JSON is a 500 that says so', async t => {
    const bridge = await start(t, 'unserialisable');
    const reply = await bridge.call({});
    t.is(reply.status, 500);
    t.regex(
      reply.text,
      language.compiled ? /^The result of the function is not JSON: ./ : /^The result of the function is not JSON: .*circular/i,
    );
  });

  check(hop === 'channel' ? 'nothing listens' : 'nothing listens beside 127.0.0.1', async t => {
    const bridge = await start(t, 'echo');
    if (hop === 'channel') await t.throwsAsync(once(bridge.connect(), 'connect'), {code: 'ECONNREFUSED'});
    const socket = net.connect(bridge.port, '127.0.0.2');
    await t.throwsAsync(once(socket, 'connect'), {code: 'ECONNREFUSED'});
  });

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

  check('a value is its JSON text, with type and length', async t => {
    const bridge = await start(t, 'items');
    t.deepEqual(await bridge.call({}), {status: 200, type: 'application/json', length: '14', text: '[1,"two",null]'});
  });

  check('a text is a JSON string', async t => {
    const bridge = await start(t, 'text');
    t.is((await bridge.call({})).text, '"two words"');
  });

  check('nothing is an empty body', async t => {
    const bridge = await start(t, 'nothing');
    t.like(await bridge.call({}), {status: 200, length: '0', text: ''});
  });

  check('bytes become base64, as the result and as the body of an envelope', async t => {
    const whole = await start(t, 'binary');
    t.deepEqual(JSON.parse((await whole.call({})).text), {body: 'AP+A', isBase64Encoded: true});
    const body = await start(t, 'binary_body');
    t.deepEqual(JSON.parse((await body.call({})).text), {statusCode: 201, body: 'AP+A', isBase64Encoded: true});
  });

  check('text of any script, half surrogates too, survives both ways', async t => {
    const bridge = await start(t, 'echo');
    const event = {isBase64Encoded: false, body: 'žluťoučký 🐎 \u0000 \u2028', '🗝': ['"\\']};
    t.deepEqual(JSON.parse((await bridge.call(event)).text), event);
    t.is((await bridge.call('\ud800')).status, 200);
  });

  check('a nested name is found, and what the request names is ignored', async t => {
    const bridge = await start(t, 'nested.deep.echo', {path: `${language.handlers}.${language.extension}`});
    t.is((await bridge.call('deep')).text, '"deep"');
  });

  check('headers are found in either case and listed in Title-Case', async t => {
    const bridge = await start(t, 'headers');
    const headers = JSON.parse('{"Content-Type": "text/plain", "Constructor": "odd", "__proto__": "odder"}');
    const event = {headers, multiValueHeaders: {'Content-Type': ['text/plain', 'x']}};
    t.deepEqual(JSON.parse((await bridge.call(event)).text), {
      lower: 'text/plain',
      title: 'text/plain',
      has: true,
      lowerValues: ['text/plain', 'x'],
      odd: 'odd',
      names: Object.keys(headers).sort(),
      headers,
    });
  });

  check('the context has the members sent and the time that is left', async t => {
    const bridge = await start(t, 'describe');
    const context = {functionName: 'f', invocationId: 'i', deadlineMs: Date.now() + 60_000};
    const seen = JSON.parse((await bridge.call({}, context)).text);
    t.deepEqual(seen.context, context);
    t.deepEqual(seen.names, Object.keys(context).sort());
    t.true(seen.remaining > 30_000 && seen.remaining <= 60_000, String(seen.remaining));
  });

  if (!language.closes) {
    checkHttp('requests that arrive together are answered in order', async t => {
      const bridge = await start(t, 'echo');
      const socket = bridge.connect();
      socket.write([1, 2, 3].map(event => rawRequest(JSON.stringify({event}))).join(''));
      t.deepEqual((await readReplies(socket, 3)).match(/\r\n\r\n\d/g), ['\r\n\r\n1', '\r\n\r\n2', '\r\n\r\n3']);
    });
  }

  checkHttp('a body may come in chunks and a byte at a time', async t => {
    const bridge = await start(t, 'echo');
    const socket = bridge.connect().setNoDelay(true);
    const chunks = ['{"event', '":"in ', 'pieces"}'].map(text => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
    const request =
      `POST / HTTP/1.1\r\nHost: x\r\nCore-Bridge-Token: ${token}\r\nTransfer-Encoding: chunked\r\n\r\n` + `${chunks}0\r\n\r\n`;
    // PHP's own server closes a connection whose first segment ends within the target.
    const first = language.closes ? 'POST / ' : '';
    for (const piece of [first, ...request.slice(first.length)]) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    t.regex(await readReplies(socket, 1), /"in pieces"$/);
    if (language.closes) return;
    socket.write(request + rawRequest('{"event":"after"}'));
    t.regex(await readReplies(socket, 2), /"in pieces"HTTP.*"after"$/s);
  });

  checkHttp('a connection that asked to be closed is closed after its reply', async t => {
    const bridge = await start(t, 'echo');
    const socket = bridge.connect();
    socket.write(rawRequest('{"event":1}').replace('\r\n', '\r\nConnection: close\r\n'));
    socket.resume();
    await t.notThrowsAsync(once(socket, 'end'));
  });

  check('a large body comes and goes whole', async t => {
    const bridge = await start(t, 'echo');
    const text = 'žluť'.repeat(1_500_000);
    const reply = await bridge.call(text);
    t.true(JSON.parse(reply.text) === text); // showing the difference would take minutes
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

  checkHttp('a call whose connection was closed is settled when it is over, not before', async t => {
    const bridge = await start(t, 'dawdles');
    const isSettled = (id: string) => bridge.records.some(record => (record as {settled?: unknown}).settled === id); // one JSON line each
    const socket = bridge.connect();
    socket.write(rawRequest('{"event":{},"context":{"invocationId":"left"}}'));
    await bridge.until(() => everything(bridge).includes('running'));
    t.false(isSettled('left'));
    socket.destroy();
    await bridge.until(() => isSettled('left'));
    t.is((await bridge.call({}, {invocationId: 'next'})).text, '"done"');
  });

  if (!language.closes) {
    checkHttp('a reply that crossed the closing of its connection leaves no doubt: the call is settled, too', async t => {
      const bridge = await start(t, 'echo');
      const socket = bridge.connect();
      socket.write(rawRequest('{"event":{},"context":{"invocationId":"first"}}'));
      await readReplies(socket, 1);
      socket.write(rawRequest('{"event":{},"context":{"invocationId":"crossed"}}'));
      await readReplies(socket, 1);
      socket.destroy();
      await bridge.until(() => bridge.records.length > 1);
      t.deepEqual(bridge.records.slice(1), [{settled: 'crossed'}]);
    });
  }

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

function reportedError(bridge: Bridge): string {
  const report = bridge.records[0] as {error?: unknown}; // checked right here
  return typeof report.error === 'string' ? report.error : '';
}

function everything(bridge: Bridge): string {
  return bridge.output.stdout + bridge.output.stderr + bridge.logs.map(log => log.line).join('\n');
}

/** Reads until that many whole replies have come; what comes later stays for the next time. */
function readReplies(socket: net.Socket, count: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (chunk: Buffer) => {
      text += chunk;
      if (countReplies(text) < count) return;
      socket.off('data', take).pause();
      resolve(text);
    };
    socket.on('data', take).resume();
    socket.once('error', reject);
    socket.once('end', () => reject(new Error(`The connection ended after ${text}`)));
  });
}

function countReplies(text: string): number {
  let count = 0;
  for (let rest = text; ; count++) {
    const end = rest.indexOf('\r\n\r\n');
    const length = /content-length: (\d+)/i.exec(rest.slice(0, end))?.[1];
    if (end < 0 || length === undefined || rest.length < end + 4 + Number(length)) return count;
    rest = rest.slice(end + 4 + Number(length));
  }
}
