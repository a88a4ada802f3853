import test, {type ExecutionContext} from 'ava';
import {type Bridge, functionFile, type Reply, startBridge} from './bridge.ts';
import {everything} from './bridge-cases.ts';
import {nodeBridge} from './node-bridge.ts';

export interface FetchLanguage {
  readonly title: string;
  readonly binary: string;
  readonly hop: 'http' | 'channel';
}

/** An event of a request, as the core makes it. */
export const requestEvent = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  path: '/',
  httpMethod: 'GET',
  headers: {Host: 'fn.example'},
  multiValueQueryStringParameters: {},
  requestContext: {eventType: 'http', requestId: 'id-1', identity: {sourceIp: '192.0.2.7'}},
  body: '',
  isBase64Encoded: false,
  ...more,
});

/** Handlers that take a WHATWG Request, and results that are a Response. For Node 18 and later. */
export function fetchSuite({title, binary, hop}: FetchLanguage): void {
  const check = (what: string, body: (t: ExecutionContext) => Promise<void>) =>
    void test.serial(`${title}${hop === 'channel' ? ' on the channel' : ''}: ${what}`, body);
  const start = async (t: ExecutionContext, text: string, {file = 'handler.mjs', ...more}: {file?: string; name?: string} = {}) =>
    startBridge(t, {binary, bridge: nodeBridge, path: await functionFile(t, file, text), hop, ...more});
  const json = (reply: Reply) => JSON.parse(reply.text);

  check('what no Request can be made of is a 400', async t => {
    const b = await start(t, "export default {fetch: () => new Response('called')};");
    for (const host of ['a b', 'user@fn.example', 'fn.example/x', 'fn.example?', 'a:b', 'fn.example\\x']) {
      const reply = await b.call(requestEvent({headers: {Host: host}}));
      t.like(json(reply), {statusCode: 400, body: 'Bad request: the field Host names no host\n'}, host);
    }
    t.like(json(await b.call(requestEvent({httpMethod: 'TRACE'}))), {statusCode: 400});
  });

  check('a fetch() that throws, and one that returns no Response, is a 500', async t => {
    const b = await start(
      t,
      `const results = {
        '/sync': () => { throw new Error('no luck'); },
        '/async': async () => { throw new Error('no luck'); },
        '/nothing': () => undefined,
        '/envelope': () => ({statusCode: 200}),
        '/error': () => Response.error(),
        '/read': async () => { const read = new Response('x'); await read.text(); return read; },
        '/breaks': () => new Response(new ReadableStream({pull() { throw new Error('no luck'); }})),
      };
      export default {fetch: request => results[new URL(request.url).pathname]()};`,
    );
    for (const [path, text] of [
      ['/sync', 'no luck'],
      ['/async', 'no luck'],
      ['/breaks', 'no luck'],
      ['/nothing', 'fetch() must return a Response, not undefined'],
      ['/envelope', 'fetch() must return a Response, not an Object'],
      ['/error', 'a Response with status 0 cannot be sent'],
    ]) {
      t.like(await b.call(requestEvent({path})), {status: 500, text}, path);
    }
    t.like(await b.call(requestEvent({path: '/read'})), {status: 500});
  });

  check('the Request says what the event says', async t => {
    const b = await start(
      t,
      `export default {
        async fetch(request, env, context) {
          const {url, method} = request;
          const bytes = Buffer.from(await request.arrayBuffer()).toString('hex');
          const {requestContext, invocationId} = context;
          return Response.json({
            url, method, bytes, headers: [...request.headers], path: env.PATH === process.env.PATH,
            ip: requestContext.identity.sourceIp, invocationId, left: context.getRemainingTimeInMillis() > 0, aborted: request.signal.aborted,
          });
        },
      };`,
    );
    const bodyOf = async (more: Record<string, unknown>) => {
      const {body, isBase64Encoded} = json(await b.call(requestEvent(more), {invocationId: 'i'}));
      return JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString() : body);
    };
    const all = {
      url: 'http://fn.example/',
      method: 'GET',
      bytes: '',
      path: true,
      ip: '192.0.2.7',
      invocationId: 'i',
      left: true,
      aborted: false,
    };
    t.like(await bodyOf({}), all);
    const urls: [Record<string, unknown>, string][] = [
      [{headers: {}}, 'http://localhost/'],
      [{headers: {Host: '[::1]:8080'}}, 'http://[::1]:8080/'],
      [{headers: {Host: 'fn.example:80', 'X-Forwarded-Host': 'other.example'}}, 'http://fn.example/'],
      [{headers: {Host: 'a', 'X-Forwarded-Proto': 'https, http'}}, 'https://a/'],
      [{headers: {Host: 'a', 'X-Forwarded-Proto': 'javascript'}}, 'http://a/'],
      [{path: '//b.example/c'}, 'http://fn.example//b.example/c'],
      [{path: '/a b?c#d%20é\\e"'}, 'http://fn.example/a%20b%3Fc%23d%2520%C3%A9%5Ce%22'],
      [{multiValueQueryStringParameters: undefined, queryStringParameters: {a: '1 2'}}, 'http://fn.example/?a=1+2'],
      [{multiValueQueryStringParameters: {a: ['1', '2 3'], 'b&': ['é=']}}, 'http://fn.example/?a=1&a=2+3&b%26=%C3%A9%3D'],
    ];
    for (const [more, url] of urls) t.is((await bodyOf(more)).url, url);
    t.deepEqual((await bodyOf({headers: {Host: 'a', Cookie: 'a=1; b=2', 'X-List': '1, 2', 'X-Utf8': 'é'}})).headers, [
      ['cookie', 'a=1; b=2'],
      ['host', 'a'],
      ['x-list', '1, 2'],
      ['x-utf8', 'Ã©'],
    ]);
    t.like(await bodyOf({httpMethod: 'POST', body: 'é'}), {method: 'POST', bytes: 'c3a9', headers: [['host', 'fn.example']]});
    t.like(await bodyOf({httpMethod: 'PUT', body: '/wA=', isBase64Encoded: true}), {method: 'PUT', bytes: 'ff00'});
    t.like(await bodyOf({httpMethod: 'GET', body: 'dropped'}), {bytes: ''});
    t.is((await bodyOf({httpMethod: 'POST', body: 'x'.repeat(300_000)})).bytes.length, 600_000);
  });

  check('the Response is the reply', async t => {
    const b = await start(
      t,
      `const streamed = (...pieces) => new ReadableStream({async pull(c) {
        await new Promise(setImmediate);
        if (pieces.length === 0) c.close(); else c.enqueue(new TextEncoder().encode(pieces.shift()));
      }});
      const results = {
        text: () => new Response('hé', {status: 201, headers: {'X-A': 'b'}}),
        json: () => Response.json({a: 1}),
        bytes: () => new Response(Uint8Array.of(255, 0)),
        nothing: () => new Response(null, {status: 204}),
        empty: () => new Response(''),
        redirect: () => Response.redirect('https://example.org/x', 307),
        cookies: () => new Response('x', {headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2; Path=/']]}),
        utf8: () => new Response('x', {headers: {'X-A': 'Ã©', 'X-B': 'é'}}),
        form: () => new Response(new URLSearchParams({a: '1 2'})),
        stream: () => new Response(streamed('a', 'b'), {headers: {'Content-Type': 'text/plain'}}),
        untyped: () => new Response(streamed('a', 'b')),
        large: () => new Response(new Uint8Array(400000)),
        foreign: () => new (class Reply {
          get status() { return 202; }
          get headers() { return new Headers({'X-A': 'b'}); }
          get body() { return streamed('x'); }
          async arrayBuffer() {}
        })(),
      };
      export default {fetch: request => results[new URL(request.url).pathname.slice(1)]()};`,
    );
    const reply = async (path: string) => {
      const said = await b.call(requestEvent({path: `/${path}`}));
      t.is(said.status, 200, said.text);
      const {body, isBase64Encoded, ...rest} = json(said);
      const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
      return {...rest, bytes};
    };
    const plain = 'text/plain;charset=UTF-8';
    t.like(await reply('text'), {statusCode: 201, headers: {'content-type': plain, 'x-a': 'b'}, bytes: Buffer.from('hé')});
    t.like(await reply('json'), {statusCode: 200, headers: {'content-type': 'application/json'}, bytes: Buffer.from('{"a":1}')});
    t.like(await reply('bytes'), {headers: {}, bytes: Buffer.of(255, 0)});
    t.like(await reply('nothing'), {statusCode: 204, bytes: Buffer.alloc(0)});
    t.like(await reply('empty'), {statusCode: 200, bytes: Buffer.alloc(0)});
    t.like(await reply('redirect'), {statusCode: 307, headers: {location: 'https://example.org/x'}});
    t.deepEqual((await reply('cookies')).headers['set-cookie'], ['a=1', 'b=2; Path=/']);
    t.like(await reply('utf8'), {headers: {'x-a': 'é', 'x-b': 'é'}});
    t.like(await reply('form'), {bytes: Buffer.from('a=1+2')});
    t.like(await reply('stream'), {headers: {'content-type': 'text/plain'}, bytes: Buffer.from('ab')});
    t.like(await reply('untyped'), {headers: {}, bytes: Buffer.from('ab')});
    t.is((await reply('large')).bytes.length, 400_000);
    t.like(await reply('foreign'), {statusCode: 202, headers: {'x-a': 'b'}, bytes: Buffer.from('x')});
  });

  const web = "{own: 'web', fetch() { return new Response(this.own); }}";
  const event = "() => 'event'";
  const modules: [title: string, text: string, options: {file?: string; name?: string}, by: 'web' | 'event'][] = [
    ['the function with the name, beside a default export', `export const handle = ${event}; export default ${web};`, {}, 'event'],
    ['a function that is called fetch, by its name', `export const fetch = ${event};`, {name: 'fetch'}, 'event'],
    ['what CommonJS exports by the name, beside fetch', `module.exports = {handle: ${event}, fetch() {}};`, {file: 'h.cjs'}, 'event'],
    ['a default export that is a function', `export default Object.assign(${event}, ${web});`, {name: 'default'}, 'event'],
    ['a member of the default export by another name', `export default {report: ${event}, fetch() {}};`, {name: 'report'}, 'event'],
    ['the default export', `export default ${web};`, {}, 'web'],
    ['the default export, with a handle of its own', `export default {...${web}, handle: ${event}};`, {}, 'web'],
    ['the default export, by the name of its function', `export default ${web};`, {name: 'fetch'}, 'web'],
    ['the default export by its name', `export default ${web};`, {name: 'default'}, 'web'],
    ['a default export that answers any name', `export default {__proto__: new Proxy({}, {get: () => ${event}}), ...${web}};`, {}, 'web'],
    [
      'an instance of a class',
      `class App { own = 'web'; fetch() { return new Response(this.own); } }\nexport default new App();`,
      {},
      'web',
    ],
    ['an object with the name', `export const app = ${web};`, {name: 'app'}, 'web'],
    ['the named export fetch', "export const fetch = () => new Response('web');", {}, 'web'],
    ['a CommonJS module', `module.exports = ${web};`, {file: 'h.cjs'}, 'web'],
    ['the default export of compiled CommonJS', `exports.__esModule = true; exports.default = ${web};`, {file: 'h.cjs'}, 'web'],
  ];
  check('the module says whether it takes events or Requests', async t => {
    for (const [what, text, options, by] of modules) {
      const b = await start(t, text, options);
      const reply = json(await b.call(requestEvent()));
      t.is(by === 'web' ? Buffer.from(reply.body, 'base64').toString() : reply, by, what);
      await b.stop();
    }
  });

  check('a function that takes events may return a Response, or call back with one', async t => {
    const b = await start(
      t,
      `exports.handle = (event, context, callback) => event.path === '/late'
        ? void setTimeout(callback, 1, null, new Response('late', {status: 202}))
        : new Response('now', {status: 201});`,
      {file: 'h.cjs'},
    );
    t.is(json(await b.call(requestEvent())).statusCode, 201);
    t.is(json(await b.call(requestEvent({path: '/late'}))).statusCode, 202);
  });

  check('the process ends once what was begun with waitUntil() is over, and its failure is logged', async t => {
    const b = await start(
      t,
      `export default {fetch(request, env, context) {
        context.passThroughOnException();
        context.waitUntil(Promise.reject(new Error('lost')));
        context.waitUntil(new Promise(resolve => process.once('SIGTERM', () => setTimeout(() => { console.log('over'); resolve(); }, 50))));
        return new Response('x');
      }};`,
    );
    t.is((await b.call(requestEvent(), {deadlineMs: Date.now() + 60_000, invocationId: 'i'})).status, 200);
    await b.until(() => b.logs.some(({line, invocationId}) => /error in waitUntil\(\).*lost/.test(line) && invocationId === 'i'));
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 0);
    t.true(everything(b).includes('over'));
  });

  check('waitUntil() holds the process no longer than until the deadline of the call', async t => {
    const b = await start(t, 'export default {fetch(r, e, context) { context.waitUntil(new Promise(() => {})); return new Response(); }};');
    t.is((await b.call(requestEvent(), {deadlineMs: Date.now() + 2000})).status, 200);
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 0);
  });

  if (hop === 'channel') checkCancelled(check, start);
}

function checkCancelled(
  check: (what: string, body: (t: ExecutionContext) => Promise<void>) => void,
  start: (t: ExecutionContext, text: string) => Promise<Bridge>,
): void {
  check('when the caller leaves, the signal of the Request aborts', async t => {
    const b = await start(
      t,
      `export default {fetch: ({signal}) => new Promise(resolve => {
        console.log('running');
        signal.addEventListener('abort', () => { console.log(signal.reason.name); resolve(new Response('late')); });
      })};`,
    );
    const call = b.calls?.begin({form: 0, json: Buffer.from(JSON.stringify({event: requestEvent(), context: {}})), body: Buffer.alloc(0)});
    if (!call) return t.fail('it is not on the channel');
    await b.until(() => b.logs.some(({line}) => line === 'running'));
    b.calls?.cancel(call);
    t.is((await call.outcome).kind, 'end');
    await b.until(() => b.logs.some(({line}) => line === 'AbortError'));
  });

  check('a stream that is returned after the caller left is ended unread', async t => {
    const b = await start(
      t,
      `export default {fetch: ({signal}) => new Promise(resolve => {
        console.log('running');
        signal.addEventListener('abort', () => resolve(new Response(new ReadableStream({
          async pull(c) { await new Promise(setImmediate); c.enqueue(new Uint8Array(65536)); },
          cancel() { console.log('ended'); },
        }))));
      })};`,
    );
    const call = b.calls?.begin({form: 0, json: Buffer.from(JSON.stringify({event: requestEvent(), context: {}})), body: Buffer.alloc(0)});
    if (!call) return t.fail('it is not on the channel');
    await b.until(() => b.logs.some(({line}) => line === 'running'));
    b.calls?.cancel(call);
    t.is((await call.outcome).kind, 'end');
    await b.until(() => b.logs.some(({line}) => line === 'ended'));
    t.true(call.received <= 131_072);
  });
}
