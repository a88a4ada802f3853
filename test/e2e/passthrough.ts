import test from 'ava';
import {projectFile, type RunningCore, refuseCore} from '../helpers/core.ts';
import {raw, rawPath, settledOf, startBare, startPassing, type Told, toldBy, withoutAdded} from '../helpers/passthrough.ts';
import {ask, askRaw} from '../helpers/request.ts';
import {metric} from '../helpers/supervision.ts';

// CORE_PROTOCOL=http: what passes through in both directions is what a caller without a core in between would send and get.

let core: RunningCore;
let bare: Awaited<ReturnType<typeof startBare>>;

test.before(async () => {
  core = await startPassing({SCW_PAYLOAD_MAX_SIZE: '1MiB', CORE_METRICS_PATH: ''});
  bare = await startBare();
});
test.after.always(() => Promise.all([core?.stop(), bare?.stop()]));

test('a handler that our own bridge loads, and CloudEvents that the core would unpack, are refused', async t => {
  const {code, stderr} = await refuseCore({CORE_PROTOCOL: 'http', SCW_HANDLER_PATH: projectFile('examples/01-hello-node/handler.js')});
  t.is(code, 78);
  t.regex(stderr, /CORE_PROTOCOL: expected `event`/);
  const env = {CORE_PROTOCOL: 'http', CORE_CLOUDEVENTS: 'on', SCW_HANDLER_IS_BINARY: 'true', SCW_HANDLER_PATH: '/bin/true'};
  t.regex((await refuseCore(env)).stderr, /CORE_CLOUDEVENTS: expected `off`/);
});

test('bytes that are no request are refused, and do not reach the server', async t => {
  for (const [bytes, status] of [
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 400],
    ['GET http://user:secret@a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    ['GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ] as const) {
    t.regex(await askRaw(core.url, bytes), new RegExp(`^HTTP/1.1 ${status} `), bytes);
  }
});

test('a body past the limit is refused, declared or not', async t => {
  const declared = await ask(`${core.url}/told`, {method: 'POST', body: Buffer.alloc(2 ** 20 + 1)});
  t.like(declared, {status: 413});
  t.is(declared.field('core-error'), 'BODY_TOO_LARGE');
  const chunked = await ask(`${core.url}/told`, {method: 'POST', body: Buffer.alloc(2 ** 20 + 1), chunked: true});
  t.like(chunked, {status: 413});
});

const targets = [
  '/',
  '/a%20b/%C3%A9?x=1&x=2&y',
  '//a/../b/./c//?',
  '/%zz%',
  '/a?b?c#d',
  "/%2F%2f;v=1/:@!$&'()*+,=~",
  '/?q=%zz&a=b%20c+d',
  '/"<>\\^`{|}',
];

for (const target of targets) {
  test(`the target ${JSON.stringify(target)} arrives as it was sent`, async t => {
    const request = `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`;
    const told = await toldBy(core.url, request);
    t.is(told.url, target);
    t.deepEqual(withoutAdded(told), withoutAdded(await toldBy(bare.url, request)));
  });
}

test('a target that names the host becomes a path, and names the host', async t => {
  const told = await toldBy(core.url, 'GET http://b.example:81/a%zz?b HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  t.is(told.url, '/a%zz?b');
  t.deepEqual(valuesOf(told, 'host'), ['b.example:81']);
  const older = await toldBy(core.url, 'GET http://b.example:81/told HTTP/1.0\r\n\r\n');
  t.deepEqual([valuesOf(older, 'host'), valuesOf(older, 'x-forwarded-host')], [['b.example:81'], ['b.example:81']]);
});

const heads = {
  'case and order': 'hOsT: a.example\r\nX-UPPER: 1\r\nx-lower: 2\r\nX-Mixed-cAsE: 3\r\n',
  repeats: 'Host: a\r\nCookie: a=1\r\nX-A: 1\r\nCookie: b=2\r\nx-a: 2\r\nAccept: a\r\nAccept: b\r\n',
  'spaces and bytes': 'Host: a\r\nX-A:   padded  \r\nX-B: \r\nX-C: gr\xfc\xdfe\r\nX-D: a\tb\r\n',
  'fields that a proxy could take for its own': 'Host: a\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nVia: 1.1 a\r\nDate: x\r\n',
  '1,900 fields': `Host: a\r\n${Array.from({length: 1900}, (_, at) => `X-${at}: ${at}\r\n`).join('')}`,
  'a long field': `Host: a\r\nX-Long: ${'x'.repeat(12_000)}\r\n`,
  'the type of a trigger': 'Host: a\r\nSCW_TRIGGER_TYPE: unknown\r\n',
};

for (const [name, head] of Object.entries(heads)) {
  test(`headers arrive as they were sent: ${name}`, async t => {
    const request = Buffer.from(`GET /told HTTP/1.1\r\n${head}Connection: close\r\n\r\n`, 'latin1');
    const told = withoutAdded(await toldBy(core.url, request));
    const sent = head
      .split('\r\n')
      .filter(Boolean)
      .flatMap(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    t.deepEqual(told.headers, sent);
  });
}

const valuesOf = ({headers}: Told, name: string) =>
  headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name);

test('fields that are meant for the hop do not go on, nor those that only the core can say', async t => {
  const told = await toldBy(
    core.url,
    'GET /told HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\n' +
      'Proxy-Authorization: x\r\nCore-Invocation-Id: x\r\nCore-Bridge-Token: x\r\nCore-Deadline-Ms: 1\r\ntraceparent: x\r\n' +
      'Core-Event-Type: cron\r\nCore_Event_Context: {}\r\n\r\n',
  );
  const names = told.headers.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase());
  t.deepEqual(
    ['x-hop', 'keep-alive', 'proxy-connection', 'te', 'proxy-authorization', 'traceparent', 'core-event-type', 'core_event_context'].filter(
      name => names.includes(name),
    ),
    [],
  );
  for (const name of ['core-invocation-id', 'core-bridge-token', 'core-deadline-ms']) {
    const values = valuesOf(told, name);
    t.is(values.length, 1);
    t.true((values[0]?.length ?? 0) > 5);
  }
});

test('the server learns who called, by what, and through whom', async t => {
  const plain = await toldBy(core.url, 'GET /told HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n');
  t.deepEqual(
    valuesOf(plain, 'x-forwarded-for').map(address => address.replace('::1', '127.0.0.1')),
    ['127.0.0.1'],
  );
  t.deepEqual(valuesOf(plain, 'x-forwarded-proto'), ['http']);
  t.deepEqual(valuesOf(plain, 'x-forwarded-host'), ['a:1']);
  const behind = await toldBy(
    core.url,
    'GET /told HTTP/1.1\r\nHost: a:1\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Proto: https\r\n' +
      'X-Forwarded-Host: b\r\nConnection: close\r\n\r\n',
  );
  t.regex(valuesOf(behind, 'x-forwarded-for').join('; '), /^1\.2\.3\.4, 5\.6\.7\.8, (127\.0\.0\.1|::1)$/);
  t.deepEqual(valuesOf(behind, 'x-forwarded-proto'), ['https']);
  t.deepEqual(valuesOf(behind, 'x-forwarded-host'), ['b']);
});

test('what many servers would take for the address of the caller does not go on', async t => {
  const told = await toldBy(
    core.url,
    'GET /told HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1.2.3.4\r\nX-Forwarded_For: 1.2.3.4\r\nX_FORWARDED_HOST: b\r\n' +
      'X_Forwarded-Proto: https\r\nX_Own: 1\r\nConnection: close\r\n\r\n',
  );
  const names = told.headers.filter((name, index) => index % 2 === 0 && name.includes('_'));
  t.deepEqual(names, ['X_Own']);
});

test('HTTP/1.0 without Host is served', async t => {
  const told = await toldBy(core.url, 'GET /told HTTP/1.0\r\n\r\n');
  t.deepEqual(valuesOf(told, 'host'), ['localhost']);
});

const all = Buffer.from(Array.from({length: 256}, (_, byte) => byte)).toString('latin1');
const bodies = {
  'no body, length 0': 'Content-Length: 0\r\n\r\n',
  'every byte': `Content-Length: 256\r\n\r\n${all}`,
  chunks: 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3;ext=1\r\nbcd\r\n0\r\n\r\n',
  'chunks and trailers': 'Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n',
  'chunks without content': 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
};

for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS', 'PROPFIND']) {
  for (const [name, rest] of Object.entries(bodies)) {
    test(`a body arrives as it was sent: ${method}, ${name}`, async t => {
      const request = Buffer.from(`${method} /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`, 'latin1');
      t.deepEqual(withoutAdded(await toldBy(core.url, request)), withoutAdded(await toldBy(bare.url, request)));
    });
  }
}

test('trailers that would pass for fields of the head stay behind', async t => {
  const told = await toldBy(
    core.url,
    'POST /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: x\r\nX-Ok: 1\r\nHost: b\r\nCore-Event-Type: cron\r\n\r\n',
  );
  t.deepEqual(told.trailers, ['X-Ok', '1']);
});

test('a large body arrives whole', async t => {
  const body = Buffer.alloc(2 ** 20, all, 'latin1');
  for (const chunked of [false, true]) {
    const answer = await ask(`${core.url}/told`, {method: 'POST', body, chunked});
    t.true(Buffer.from(answer.json().body, 'base64').equals(body));
    t.like(await settledOf(core, answer), {outcome: 'responded', status: 200, receivedBytes: body.length});
  }
});

const answers = {
  'status, reason and case': 'HTTP/1.1 299 Very Own\r\nX-UPPER: 1\r\nx-lower: gr\xfc\xdfe\r\nContent-Length: 2\r\n\r\nhi',
  repeats: 'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX: 1\r\nSet-Cookie: b=2\r\nx: 2\r\nContent-Length: 0\r\n\r\n',
  'no reason': 'HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n',
  'its own error': 'HTTP/1.1 500 Broken\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\noops',
  'its own 502': 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n',
  'every byte': `HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n${all}`,
  'nothing, by 204': 'HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n',
  'nothing, by 304, with a length': 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 77\r\n\r\n',
  'a coded body': 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08',
  'the end of the connection ends it': 'HTTP/1.1 200 OK\r\nX: 1\r\n\r\nhello',
  'HTTP/1.0': 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  'what it would rather speak': 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n',
  'a date of its own': 'HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n',
};

for (const [name, bytes] of Object.entries(answers)) {
  test(`an answer arrives as it was sent: ${name}`, async t => {
    const answer = await askRaw(core.url, `GET ${raw(bytes)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const [head = '', body = ''] = divided(answer);
    const [sentHead = '', sentBody = ''] = divided(bytes);
    const [line, ...fields] = head.split('\r\n');
    const [sentLine, ...sentFields] = sentHead.split('\r\n');
    t.is(line, sentLine?.replace('HTTP/1.0', 'HTTP/1.1'));
    const ours = /^(Core-Invocation-Id|Connection|Transfer-Encoding|Date):/;
    t.deepEqual(
      fields.filter(field => !ours.test(field)),
      sentFields,
    );
    t.is(/\r\nTransfer-Encoding: chunked/.test(head) ? unchunked(body) : body, sentBody);
  });
}

const divided = (text: string) => [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)];
const unchunked = (text: string) => text.replaceAll(/[0-9a-f]+\r\n([\s\S]*?)\r\n/g, '$1').replace(/\r\n$/, '');

test('HEAD has the length that the server gave, and no body', async t => {
  const head = await askRaw(
    core.url,
    `HEAD ${raw('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  t.regex(head, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Content-Length: 1234\r\n(.*\r\n)*\r\n$/);
});

test('trailers of an answer arrive, but for those that would pass for fields of its head', async t => {
  const text = await askRaw(core.url, 'GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n');
  t.regex(text, /\r\nTrailer: X-Sum, Set-Cookie\r\n/);
  t.true(text.endsWith('4\r\nbody\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n'), text);
});

test('its own errors are answers: no fault is counted, and the invocation has responded', async t => {
  const sample = 'core_faults_total{code="HANDLER_FAILED"}';
  const before = await metric(core, sample);
  const answer = await ask(`${core.url}/status/500`);
  t.is(answer.status, 500);
  t.is(answer.text(), 'told');
  t.is(answer.field('core-error'), '');
  t.like(await settledOf(core, answer), {outcome: 'responded', status: 500});
  t.is(await metric(core, sample), before);
});

for (const [name, bytes, code] of [
  ['a connection that ends without an answer', '', 'UPSTREAM_LOST'],
  ['a connection that ends in a head', 'HTTP/1.1 200 OK\r\nX: ', 'UPSTREAM_LOST'],
  ['bytes that are no HTTP', 'hello\r\n\r\n', 'UPSTREAM_PROTOCOL'],
  ['a switch of protocols that is none', 'HTTP/1.1 101 Now\r\nA: b\r\n\r\n', 'UPSTREAM_PROTOCOL'],
  ['a status that is none', 'HTTP/1.1 099 X\r\nContent-Length: 1\r\n\r\na', 'UPSTREAM_PROTOCOL'],
  ['a reason that nobody may write', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 1\r\n\r\na', 'UPSTREAM_PROTOCOL'],
  ['a coding that is not undone', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n', 'UPSTREAM_PROTOCOL'],
  ['chunks, said twice', `HTTP/1.1 200 OK\r\n${'Transfer-Encoding: chunked\r\n'.repeat(2)}\r\n1\r\na\r\n0\r\n\r\n`, 'UPSTREAM_PROTOCOL'],
  ['more interim heads than anybody reads', `HTTP/1.1 103 X\r\nA: ${'a'.repeat(300 * 2 ** 10)}\r\n\r\n`, 'UPSTREAM_PROTOCOL'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na', 'UPSTREAM_PROTOCOL'],
] as const) {
  test(`${name} is a 502`, async t => {
    const answer = await ask(core.url + raw(bytes));
    t.is(answer.status, 502);
    t.is(answer.field('core-error'), code);
  });
}

for (const [name, path] of [
  ['too short by its length', raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')],
  ['chunks without an end', raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')],
  ['reset', raw('HTTP/1.1 200 OK\r\n\r\nabc', 'reset')],
] as const) {
  test(`an answer that breaks off behind its head breaks off: ${name}`, async t => {
    const text = await askRaw(core.url, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    t.regex(text, /^HTTP\/1\.1 200 OK\r\n/);
    t.notRegex(text, /\r\n0\r\n\r\n$/);
    await t.throwsAsync(ask(core.url + path));
  });
}

test('what a server sends on a connection that waits is not the answer to the next call', async t => {
  const twice = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo';
  for (let times = 0; times < 3; times++) {
    t.notRegex((await ask(core.url + rawPath(twice))).text(), /two/);
    t.is((await ask(`${core.url}/status/201`)).status, 201);
  }
});
