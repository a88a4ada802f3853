import {connect, type Socket} from 'node:net';
import test from 'ava';
import {systemClock} from '../../src/clock.ts';
import {Fault} from '../../src/errors.ts';
import {JournalDamaged} from '../../src/journal.ts';
import {MemoryJournal} from '../../src/journals/memory/journal.ts';
import {openPrivate as open} from '../helpers/admin.ts';
import {ManualClock} from '../helpers/clock.ts';
import {ask, askRaw} from '../helpers/request.ts';

/** A journal whose reads all fail so. */
function failingJournal(error: unknown) {
  const journal = new MemoryJournal(new ManualClock());
  const fail = () => {
    throw error;
  };
  return Object.assign(journal, {scan: fail, last: fail, read: fail, before: fail, append: fail, follow: fail});
}

/** Everything that a connection answers to these bytes, until it is closed. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.end(bytes));
    let text = '';
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

const withGetters = Object.defineProperties(new Error('has getters'), {
  status: {get: () => 418},
  headers: {get: () => ({'Bad name': '1'})},
});
const throwing = new Proxy(new Error('cannot be looked at'), {
  get() {
    throw new Error('not even so');
  },
  getPrototypeOf() {
    throw new Error('nor so');
  },
});
const readErrors: readonly (readonly [title: string, error: unknown])[] = [
  ['an ordinary error', new TypeError('a bug')],
  ['an error whose status has only a getter', withGetters],
  ['a frozen error', Object.freeze(new Error('frozen'))],
  ['an error that throws when it is looked at', throwing],
  ['an error that means to be a 404', Object.assign(new Error('secret path'), {status: 404, expose: true})],
  ['a system error', Object.assign(new Error('EIO: i/o error'), {code: 'EIO', syscall: 'read'})],
  ['undefined', undefined],
  ['null', null],
  ['a text', 'secret text'],
  ['a symbol', Symbol('secret')],
];
for (const [title, error] of readErrors) {
  test(`${title} that is thrown is answered as a bug, logged once, and the next request is served`, async t => {
    const {url, log} = await open(t, {
      clock: systemClock,
      journal: failingJournal(error),
      readiness: () => {
        throw error;
      },
    });
    for (const path of ['/readyz', '/api/invocations', '/api/invocations/x', '/api/facts']) {
      const answer = await ask(url + path);
      t.is(answer.status, 500, path);
      t.deepEqual(answer.json(), {error: {code: 'INTERNAL', message: 'The core runtime failed; its log has the cause'}});
    }
    t.is((await ask(`${url}/readyz`, {method: 'HEAD'})).text(), '');
    t.is((await ask(`${url}/livez`)).status, 200);
    const lines = log.lines.filter(({level}) => level === 'error');
    t.is(lines.length, 5);
    t.like(lines[0]?.fields, {path: '/readyz'});
    if (title === 'an ordinary error') t.regex(String(lines[0]?.fields.stack), /TypeError: a bug\n\s+at /);
  });
}

test('a fault is answered with its status, its code and when to try again, and is not logged as a bug', async t => {
  const error = new Fault('JOURNAL_FAILED', {cause: new Error('disk I/O error'), retryAfterS: 1});
  const {url, log} = await open(t, {
    clock: systemClock,
    journal: failingJournal(error),
    schedules: () => ({
      list: async () => [],
      pause: async () => undefined,
      fire: async () => {
        throw error;
      },
    }),
  });
  const body = JSON.stringify([{invocationId: 'x', verdict: 'same'}]);
  for (const [path, asked] of [
    ['/api/schedules/nightly/fire', {method: 'POST'}],
    ['/api/replays', {method: 'POST', body}],
    ['/api/facts', {}],
    ['/api/invocations', {}],
  ] as const) {
    const answer = await ask(url + path, asked);
    t.is(answer.status, 503, path);
    t.is(answer.field('retry-after'), '1');
    t.deepEqual(answer.json(), {error: {code: 'JOURNAL_FAILED', message: 'The journal cannot be written now'}});
  }
  t.is(log.lines.length, 4);
  t.like(log.lines[0], {level: 'warn', fields: {code: 'JOURNAL_FAILED', cause: 'disk I/O error'}});
});

test('a flood of requests that fail does not become a flood of lines: one line counts the rest', async t => {
  const clock = new ManualClock();
  const {url, log} = await open(t, {
    clock,
    readiness: () => {
      throw new Fault('JOURNAL_FAILED');
    },
  });
  for (let count = 0; count < 100; count++) t.is((await ask(`${url}/readyz`)).status, 503);
  t.is(log.lines.length, 20);
  await clock.advance(1000);
  t.is(log.lines.length, 21);
  t.like(log.lines[20], {level: 'warn', fields: {code: 'JOURNAL_FAILED', more: 80}});
});

test('damage is answered as such, and logged as an error with its stack', async t => {
  const {url, log} = await open(t, {journal: failingJournal(new JournalDamaged('The facts end at 20, but 64 were kept'))});
  const answer = await ask(`${url}/api/facts`);
  t.is(answer.status, 500);
  t.like(answer.json().error, {code: 'JOURNAL_DAMAGED'});
  t.regex(answer.json().error.message, /^The facts end at 20, but 64 were kept; `core-runtime journal verify`/);
  t.regex(String(log.lines.find(({level}) => level === 'error')?.fields.stack), /JournalDamaged.*\n\s+at /);
});

const refusals: readonly (readonly [title: string, path: string, asked: Parameters<typeof ask>[1], status: number, code: string])[] = [
  ['an unknown path', '/secrets', {}, 404, 'NOT_FOUND'],
  ['an unknown path of the API', '/api/other', {method: 'POST'}, 404, 'NOT_FOUND'],
  ['a name that holds another segment', '/api/invocations/a/b', {}, 404, 'NOT_FOUND'],
  ['no name', '/api/invocations/', {}, 404, 'NOT_FOUND'],
  ['a probe with another method', '/metrics', {method: 'POST'}, 405, 'METHOD_NOT_ALLOWED'],
  ['an unknown method', '/readyz', {method: 'PURGE'}, 405, 'METHOD_NOT_ALLOWED'],
  ['a wish by GET', '/api/reload', {}, 405, 'METHOD_NOT_ALLOWED'],
  ['a question by POST', '/api/facts', {method: 'POST'}, 405, 'METHOD_NOT_ALLOWED'],
  ['a foreign Host', '/api/facts', {headers: {Host: 'evil.example'}}, 403, 'FORBIDDEN'],
  ['a foreign Origin', '/api/reload', {method: 'POST', headers: {Origin: 'https://evil.example'}}, 403, 'FORBIDDEN'],
  ['no position', '/api/facts?after=x', {}, 400, 'BAD_REQUEST'],
  ['a % that is no escape', '/api/%zz', {}, 400, 'REQUEST_MALFORMED'],
  ['what is no JSON', '/api/replays', {method: 'POST', body: '{'}, 400, 'BAD_REQUEST'],
  ['too much at once', '/api/replays', {method: 'POST', body: ' '.repeat(2 ** 20 + 1)}, 413, 'BODY_TOO_LARGE'],
  ['schedules that are not open yet', '/api/schedules', {}, 503, 'NOT_READY'],
];
for (const [title, path, asked, status, code] of refusals) {
  test(`${title} is refused with ${status} ${code}, in the shape of every error`, async t => {
    const {url, log} = await open(t);
    const answer = await ask(url + path, asked);
    t.is(answer.status, status);
    t.is(answer.field('content-type'), 'application/json; charset=utf-8');
    const {error, ...rest} = answer.json();
    t.is(error.code, code);
    t.is(typeof error.message, 'string');
    t.deepEqual(rest, status === 403 ? {refused: error.message} : {});
    if (status === 405) t.truthy(answer.field('allow'));
    t.true(log.lines.every(({level}) => level === 'debug'));
  });
}

test('a caller without the token is refused, and at debug the log says why without what was sent', async t => {
  const {url, log} = await open(t, {token: 'right'});
  for (const headers of [{}, {Authorization: 'Bearer canary'}, {Authorization: 'Basic canary'}]) {
    const answer = await ask(`${url}/api/facts`, {headers});
    t.is(answer.status, 403);
    t.is(answer.json().error.code, 'FORBIDDEN');
  }
  t.like(log.lines[0], {level: 'debug', fields: {code: 'FORBIDDEN', cause: 'the bearer token of CORE_ADMIN_TOKEN is needed'}});
  t.notRegex(JSON.stringify(log.lines), /canary|right/);
});

test('a target that cannot be read is a bad request', async t => {
  const {url} = await open(t);
  for (const target of ['http://', 'http://[::1', 'http:///livez', 'livez', '*', '/%', '//[', 'ftp://a/livez', `/api/${'%'.repeat(99)}`]) {
    const text = await raw(url, `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    t.regex(text, target === '//[' ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 400 /, target);
    t.regex(text, /\{"error":\{"code":"[A-Z_]+","message":".+"\}\}/, target);
  }
  t.regex(await raw(url, 'GET http://a/livez?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

test('bytes that are not a request are answered in the same shape', async t => {
  const {url} = await open(t);
  t.regex(await raw(url, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*\{"error":\{"code":"BAD_REQUEST",/);
  t.regex(await raw(url, `GET / HTTP/1.1\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 [\s\S]*"HEAD_TOO_LARGE"/);
});

const leftToNode: readonly (readonly [title: string, head: string, status: number, code: string])[] = [
  ['HTTP/1.1 without a Host', 'GET /livez HTTP/1.1\r\n\r\n', 400, 'REQUEST_MALFORMED'],
  ['an unknown expectation', 'POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: a-coffee\r\n\r\n', 417, 'EXPECTATION_UNKNOWN'],
  ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
  ['an unknown version', 'GET /livez HTTP/3.0\r\nHost: 127.0.0.1\r\n\r\n', 400, 'BAD_REQUEST'],
];
for (const [title, head, status, code] of leftToNode) {
  test(`${title}, which Node would answer in its own way, is refused in the shape of every error`, async t => {
    const {url, log} = await open(t);
    const text = await raw(url, head);
    t.regex(text, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*\\{"error":\\{"code":"${code}","message":".+"\\}\\}\n$`));
    t.regex(text, /^Content-Type: application\/json; charset=utf-8\r$/m);
    t.like(log.lines, [{level: 'debug', fields: {code}}]);
    t.is((await ask(`${url}/livez`)).status, 200);
  });
}

test('a client that resets its connection behind CONNECT ends nothing, and one that stays is parted from', async t => {
  const {url, clock} = await open(t);
  const port = Number(new URL(url).port);
  const closedAfter = (react: (socket: Socket) => void) =>
    new Promise(resolve => {
      const socket = connect({port, host: '127.0.0.1', allowHalfOpen: true}, () => socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'));
      socket.once('data', () => react(socket));
      socket.on('error', () => {});
      socket.once('close', resolve);
    });
  for (let time = 0; time < 20; time++) await closedAfter(socket => socket.resetAndDestroy());
  t.is((await ask(`${url}/livez`)).status, 200);
  await closedAfter(socket => {
    const writing = setInterval(() => socket.write('still here'), 10);
    socket.once('close', () => clearInterval(writing));
    socket.once('end', () => void clock.advance(1000));
  });
});

test('HTTP/1.0 needs no Host', async t => {
  const {url} = await open(t);
  t.regex(await raw(url, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

test('the refusal of bytes that are not a request breaks no answer that has begun, and comes after the answers before it', async t => {
  const {url} = await open(t);
  const request = 'GET /api/facts?after=99 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n';
  const streamed = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.on('data', chunk => {
      text += chunk;
      if (text.endsWith(': facts\n\n\r\n')) socket.write('nonsense\r\n\r\n');
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
  t.regex(streamed, /^HTTP\/1\.1 200 /);
  t.notRegex(streamed, /BAD_REQUEST/);
  const pipelined = await raw(url, 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n');
  t.notRegex(pipelined, /^HTTP\/1\.1 400/);
});

test('bytes behind an offer to upgrade are not read as a request, and the connection ends', async t => {
  const {url, log} = await open(t);
  const upgrade = 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
  const text = await askRaw(
    url,
    `${upgrade}POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 36\r\n\r\nGET /api/no HTTP/1.1\r\nHost: 127.0.0.1`,
  );
  t.is(text.split('HTTP/1.1 ').length, 2);
  t.regex(text, /^HTTP\/1\.1 200 [\s\S]*Connection: close/);
  t.deepEqual(log.lines, []);
});

test('callers that leave in the middle of an answer or of a body do no harm', async t => {
  const {url, log} = await open(t);
  for (let round = 0; round < 20; round++) {
    for (const head of [
      'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      'POST /api/replays HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n[',
    ]) {
      await new Promise<void>(resolve => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(head, () => socket.resetAndDestroy()));
        socket.on('close', () => resolve());
        socket.on('error', () => {});
      });
    }
  }
  t.is((await ask(`${url}/livez`)).status, 200);
  t.deepEqual(
    log.lines.filter(({level}) => level !== 'debug'),
    [],
  );
});
