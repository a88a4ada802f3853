import {once} from 'node:events';
import net from 'node:net';
import {rawRequest, token} from './bridge.ts';
import {type BridgeCases, everything} from './bridge-cases.ts';

/** How a bridge is called over HTTP, and that it listens nowhere else. Refusals first. */
export function bridgeHttpSuite({language, hop, check, checkHttp, start}: BridgeCases): void {
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

  check(hop === 'channel' ? 'nothing listens' : 'nothing listens beside 127.0.0.1', async t => {
    const bridge = await start(t, 'echo');
    if (hop === 'channel') await t.throwsAsync(once(bridge.connect(), 'connect'), {code: 'ECONNREFUSED'});
    const socket = net.connect(bridge.port, '127.0.0.2');
    await t.throwsAsync(once(socket, 'connect'), {code: 'ECONNREFUSED'});
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
