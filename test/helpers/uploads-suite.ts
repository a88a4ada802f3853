import {createHash, randomBytes} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import http, {type ClientRequest, type IncomingMessage} from 'node:http';
import test, {type ExecutionContext} from 'ava';
import {type RunningCore, startCore} from './core.ts';
import {ask} from './request.ts';
import {metric, metricIs, openGate} from './supervision.ts';

/** A language whose functions read a body as it comes. */
export interface UploadsLanguage {
  /** Shown before every title. */
  readonly title: string;
  /** What serves its function: `SCW_HANDLER_PATH` and the like. */
  readonly env: Record<string, string>;
}

const MiB = 2 ** 20;

/**
Bodies that a function reads as they come, with CORE_PROTOCOL=stream. Call it once for each language.

The function answers by the path, as test/fixtures/functions/core/uploads.mjs does. Where nothing else is said it waits for the
file `gate`, if the query names one, reads the body, writes into the file `told` how many bytes it has read so far, and returns
`<bytes> <sha1>`. When a read fails it writes `<told>.broken`, and fails.

| path | what is special |
| --- | --- |
| `/` | fails unless there are 5 bytes |
| `/plain`, `/ignore` | returns its name, without a look at the body |
*/
export function uploadsSuite({title, env}: UploadsLanguage): void {
  const check = (what: string, body: (t: ExecutionContext) => Promise<void>) => void test.serial(`${title}: ${what}`, body);
  let core: RunningCore;

  test.before(async () => {
    core = await startCore({
      SCW_PUBLIC: 'true',
      CORE_PROTOCOL: 'stream',
      CORE_JOURNAL: 'memory:',
      CORE_JOURNAL_HTTP: 'full',
      SCW_PAYLOAD_MAX_SIZE: '64MiB',
      ...env,
    });
  });
  test.after.always(() => core?.stop());

  /** Begins an upload; the test writes its body. */
  function begin(path: string, headers: http.OutgoingHttpHeaders = {}): {request: ClientRequest; reply: Promise<IncomingMessage>} {
    const {promise, resolve, reject} = Promise.withResolvers<IncomingMessage>();
    promise.catch(() => {}); // it may be broken off before anybody waits
    const request = http.request(core.url + path, {method: 'POST', agent: false, headers}, resolve).on('error', reject);
    request.flushHeaders();
    return {request, reply: promise};
  }

  async function settledOf({headers}: IncomingMessage): Promise<Record<string, unknown>> {
    const url = `${core.adminUrl}/api/facts?stream=invocation.${headers['core-invocation-id']}`;
    for (;;) {
      const line = (await ask(url))
        .text()
        .split('\n')
        .find(each => each.includes('invocation.settled'));
      if (line !== undefined) return JSON.parse(line).data;
      await soon();
    }
  }

  check('a body that is declared too large is refused before the function is called', async t => {
    const {reply} = begin('/ignore', {'Content-Length': 64 * MiB + 1});
    const answer = await reply;
    t.is(answer.statusCode, 413);
    t.regex(await read(answer), /max payload size = 67108864 bytes/);
  });

  check('a body that grows too large is broken off: 413, and the function cannot read its end', async t => {
    const told = await toldFile(t);
    const {request, reply} = begin(`/count?told=${told}`);
    const piece = Buffer.alloc(MiB);
    const left = {pieces: 65};
    const send = () => {
      while (left.pieces-- > 0) if (!request.write(piece)) return void request.once('drain', send);
    };
    send();
    const answer = await reply;
    t.is(answer.statusCode, 413);
    t.is(answer.headers['core-error'], 'BODY_TOO_LARGE');
    request.destroy();
    await written(`${told}.broken`);
    t.like(await settledOf(answer), {outcome: 'failed', code: 'BODY_TOO_LARGE', status: 413});
  });

  check('a caller who leaves in the middle makes the read of the function fail', async t => {
    const told = await toldFile(t);
    const {request} = begin(`/count?told=${told}`);
    request.write('hello');
    await written(told, '5');
    request.destroy();
    await written(`${told}.broken`);
    await metricIs(core, 'faas_inflight', 0);
    await metricIs(core, 'core_inflight_bytes{kind="body"}', 0);
    t.is((await ask(`${core.url}/plain`)).text(), 'plain');
  });

  check('a function that waits for a body which does not come is answered for at its deadline, and its read fails', async t => {
    const told = await toldFile(t);
    const {request, reply} = begin(`/count?told=${told}`, {'Core-Timeout': '300ms'});
    request.write('hello');
    t.is((await reply).statusCode, 504);
    request.destroy();
    await written(`${told}.broken`);
  });

  check('a function that does not read stops the sender, and the core holds a piece of it at most', async t => {
    const gate = await openGate(t);
    const {request, reply} = begin(`/count?gate=${gate.headers['X-Gate']}`);
    const body = randomBytes(32 * MiB);
    let sent = 0;
    const send = () => {
      while (sent < body.length) {
        sent += 65_536;
        if (!request.write(body.subarray(sent - 65_536, sent))) return void request.once('drain', send);
      }
      request.end();
    };
    send();
    let before = -1;
    for (let same = 0; same < 3; ) {
      await new Promise(resolve => setTimeout(resolve, 100));
      same = sent === before ? same + 1 : 0;
      before = sent;
    }
    t.true(sent < body.length, `${sent} bytes are on their way`);
    const held = await metric(core, 'core_inflight_bytes{kind="body"}');
    t.true(held <= 65_536, String(held));
    t.is((await ask(`${core.url}/plain`)).text(), 'plain', 'other calls are served');
    await gate.open();
    const answer = await reply;
    t.is(await read(answer), resultOf(body));
    t.like(await settledOf(answer), {outcome: 'responded', receivedBytes: body.length});
    await metricIs(core, 'core_conservation_drift', 0);
  });

  check('a body is read as it comes', async t => {
    const told = await toldFile(t);
    const {request, reply} = begin(`/count?told=${told}`);
    let all = '';
    for (const piece of ['he', 'llo']) {
      request.write(piece);
      all += piece;
      await written(told, String(all.length));
    }
    request.end();
    t.is(await read(await reply), resultOf(Buffer.from('hello')));
  });

  check('several large bodies at a time arrive byte for byte, with a length and in chunks', async t => {
    const bodies = Array.from({length: 4}, () => randomBytes(8 * MiB + 7));
    const answers = await Promise.all(
      bodies.map((body, index) => ask(`${core.url}/count`, {method: 'POST', body, chunked: index % 2 === 0})),
    );
    t.deepEqual(
      answers.map(answer => answer.text()),
      bodies.map(resultOf),
    );
  });

  check('a sender that asks first is asked for its body, and one without a body is called', async t => {
    const {request, reply} = begin('/count', {Expect: '100-continue', 'Content-Length': 5});
    await new Promise(resolve => request.once('continue', resolve));
    request.end('hello');
    t.is(await read(await reply), resultOf(Buffer.from('hello')));
    t.is((await ask(`${core.url}/count`)).text(), resultOf(Buffer.alloc(0)));
  });

  check('a function may answer without having read the body', async t => {
    const answer = await ask(`${core.url}/ignore`, {method: 'POST', body: Buffer.alloc(4 * MiB)});
    t.is(answer.status, 200);
    t.is(answer.text(), 'ignore');
    await metricIs(core, 'core_inflight_bytes{kind="body"}', 0);
  });

  check('a connection serves on behind a body that was read', async t => {
    const agent = new http.Agent({keepAlive: true, maxSockets: 1});
    for (const body of ['hello', 'world']) {
      t.is((await ask(`${core.url}/count`, {method: 'POST', body, agent})).text(), resultOf(Buffer.from(body)));
    }
    agent.destroy();
  });

  check('a delivery that is no request has its body as a stream of one piece', async t => {
    const reply = await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'cron'}, body: 'hello'});
    t.is(reply.text(), 'executed properly');
    t.is((await ask(core.url, {method: 'POST', headers: {SCW_TRIGGER_TYPE: 'cron'}, body: 'no'})).status, 500);
  });
}

const resultOf = (body: Buffer) => `${body.length} ${createHash('sha1').update(body).digest('hex')}`;
const soon = () => new Promise(resolve => setTimeout(resolve, 5));

/** A name for a file, in a folder that is removed behind the test. */
async function toldFile(t: ExecutionContext): Promise<string> {
  return `${(await openGate(t)).headers['X-Gate']}.told`;
}

async function written(file: string, text?: string): Promise<void> {
  while (!existsSync(file) || (text !== undefined && readFileSync(file, 'utf8') !== text)) await soon();
}

async function read(reply: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of reply) text += chunk;
  return text;
}
