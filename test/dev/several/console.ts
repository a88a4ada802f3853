import {once} from 'node:events';
import http, {type IncomingMessage, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {type ConsoleOptions, openConsole} from '../../../src/dev/several/console.ts';
import {consoleRouteOf} from '../../../src/dev/several/console-route.ts';
import type {Place} from '../../../src/dev/several/state.ts';
import {ManualClock} from '../../helpers/clock.ts';
import {refusingPort} from '../../helpers/port.ts';
import {ask} from '../../helpers/request.ts';

/** A core's private listener; where it is. */
async function coreOf(t: ExecutionContext, serve: RequestListener): Promise<Place> {
  const core = http.createServer(serve).listen(0, '127.0.0.1');
  await once(core, 'listening');
  t.teardown(() => core.closeAllConnections());
  t.teardown(() => core.close());
  return {host: '127.0.0.1', port: (core.address() as AddressInfo).port}; // a TCP server has an AddressInfo
}

/** The console of functions whose private listeners are at these places. Its URL. */
async function consoleOf(t: ExecutionContext, places: Record<string, Place>, options: Partial<ConsoleOptions> = {}): Promise<string> {
  const names = Object.keys(places);
  const functions = {
    names,
    listed: names.map(name => ({name, url: `http://localhost/${name}`, state: 'serving', console: ''}) as const),
    find: (name: string) => (places[name] ? {privatePlace: places[name]} : undefined),
  };
  const clock = new ManualClock();
  const noted = (sentence: string) => t.fail(sentence);
  const opened = await openConsole({host: '127.0.0.1', port: 0, token: undefined, functions, clock, noted, ...options});
  t.teardown(() => opened[Symbol.asyncDispose]());
  return `http://127.0.0.1:${opened.port}`;
}

/** Two cores that answer with what they got. */
async function two(t: ExecutionContext, options: Partial<ConsoleOptions> = {}): Promise<string> {
  const echo =
    (name: string): RequestListener =>
    async (request, response) => {
      const body = Buffer.concat(await Array.fromAsync(request)).toString();
      const {method, url, headers} = request;
      response.end(JSON.stringify({name, method, url, headers, body}));
    };
  return consoleOf(t, {api: await coreOf(t, echo('api')), jobs: await coreOf(t, echo('jobs'))}, options);
}

const paths = [
  '/',
  '/functions',
  '/functions/jobs',
  '/functions/jobs/',
  '/functions/jobs/console/main.js',
  '/functions/jobs/api/now',
  '/api/now',
];

for (const [title, headers, expected] of [
  ['a foreign Host, as a name that DNS leads here', {Host: 'evil.example'}, 'this Host is not served here'],
  ['a foreign Origin', {Origin: 'http://evil.example'}, 'requests from other sites are not served here'],
  [
    'the Origin of the functions, which is another port',
    {Origin: 'http://127.0.0.1:8080'},
    'requests from other sites are not served here',
  ],
  ['a request that a page of another site causes', {'Sec-Fetch-Site': 'cross-site'}, 'requests from other sites are not served here'],
] as const) {
  test(`${title} is refused on each page, and reaches no core`, async t => {
    const reached = (request: IncomingMessage) => t.fail(request.url);
    const url = await consoleOf(t, {jobs: await coreOf(t, reached)});
    for (const path of [...paths, '/functions/nothing/', '/functions/nothing/api/now']) {
      const answer = await ask(url + path, {headers});
      t.is(answer.status, 403, path);
      t.is(answer.json().refused, expected);
    }
  });
}

test('beyond this machine nobody is let in without a token', async t => {
  const url = await two(t, {host: '0.0.0.0'});
  for (const path of paths) t.is((await ask(url + path, {headers: {Host: 'localhost'}})).status, 403, path);
  t.is((await ask(`${url}/functions/jobs/readyz`)).status, 200);
});

test('a name that is not one of the functions is refused, with those that are', async t => {
  const url = await two(t);
  for (const path of [
    'nothing/',
    'nothing/api/now',
    '',
    'API/',
    '%61pi/',
    '../api/now',
    '..%2fapi/',
    './jobs/api/now',
    'api%2fnow',
    '/api/now',
  ]) {
    const answer = await ask(`${url}/functions/${path}`);
    t.is(answer.status, 404, path);
    t.regex(answer.json().error.message, /: expected one of api, jobs$/);
  }
});

test('what leads out of the console’s files is refused', async t => {
  const url = await two(t);
  for (const path of ['../package.json', '../../../package.json', '%2e%2e/package.json', '/etc/passwd', 'nothing.js'])
    t.is((await ask(`${url}/functions/jobs/console/${path}`)).status, 404, path);
});

test('the console’s own pages are only read', async t => {
  const url = await two(t);
  for (const path of ['/', '/functions', '/functions/jobs', '/functions/jobs/', '/functions/jobs/console/main.js'])
    t.is((await ask(url + path, {method: 'POST'})).status, 405, path);
  t.is((await ask(`${url}/functions/jobs/api/now`, {method: 'PUT'})).status, 405);
});

test('a function that does not run is refused, with the reason, and its console is there to say so', async t => {
  const port = await refusingPort(t);
  const url = await consoleOf(t, {api: {problem: 'its core was ended by SIGKILL'}, jobs: {host: '127.0.0.1', port}});
  const ended = await ask(`${url}/functions/api/api/now`);
  t.is(ended.status, 503);
  t.deepEqual(ended.json(), {
    error: {code: 'CORE_GONE', message: 'The core of api does not answer: its core was ended by SIGKILL.'},
  });
  const silent = await ask(`${url}/functions/jobs/api/now`);
  t.is(silent.status, 502);
  t.is(silent.json().error.code, 'CORE_GONE');
  const page = await ask(`${url}/functions/api/`);
  t.is(page.status, 200);
  t.regex(page.text(), /<script type="module"/);
});

test('without functions there is nothing', async t => {
  const url = await consoleOf(t, {});
  t.is((await ask(url)).json().error.message, 'no function ``: there is none');
  t.deepEqual((await ask(`${url}/functions`)).json(), {functions: []});
});

test('/ leads to the console of the first function, at an address to which its links fit', async t => {
  const url = await two(t);
  t.like(await ask(`${url}/`), {status: 302});
  t.is((await ask(`${url}/`)).field('location'), 'functions/api/');
  t.is((await ask(`${url}/functions/jobs`)).field('location'), 'jobs/');
  const page = await ask(`${url}/functions/jobs/`);
  t.is(page.field('content-type'), 'text/html; charset=utf-8');
  t.regex(page.field('content-security-policy'), /^default-src 'none'; script-src 'self' 'sha256-[^']+'; style-src 'self'/);
});

test('the functions are listed, with no more than a browser needs to choose', async t => {
  const url = await two(t);
  const answer = await ask(`${url}/functions`);
  t.is(answer.field('content-type'), 'application/json; charset=utf-8');
  t.deepEqual(answer.json(), {functions: ['api', 'jobs'].map(name => ({name, state: 'serving'}))});
});

test('each function gets what is below its name, as it was sent; the first one gets the rest', async t => {
  const url = await two(t);
  const headers = {Origin: url, Cookie: 'core_console_1=a', Authorization: 'Bearer b', Host: url.slice('http://'.length)};
  const answer = await ask(`${url}/functions/jobs/api/../x%2f?a=/functions/api/&b`, {method: 'POST', body: 'hi', headers});
  t.like(answer.json(), {name: 'jobs', method: 'POST', url: '/api/../x%2f?a=/functions/api/&b', body: 'hi'});
  t.like(answer.json().headers, {origin: url, cookie: headers.Cookie, authorization: headers.Authorization, host: headers.Host});
  t.like((await ask(`${url}/api/now`, {headers: {}})).json(), {name: 'api', url: '/api/now'});
  t.like((await ask(`${url}/metrics`, {headers: {Host: 'prometheus.example'}})).json(), {name: 'api', url: '/metrics'});
  t.like((await ask(`${url}/functions/api/api/x`, {method: 'DELETE'})).json(), {name: 'api', method: 'DELETE', url: '/api/x'});
});

test('events arrive while they come, and a caller that leaves takes its stream along', async t => {
  const left = Promise.withResolvers<void>();
  const stream: RequestListener = (_request, response) => {
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    response.write('data: 1\n\n');
    response.once('close', left.resolve);
  };
  const url = await consoleOf(t, {jobs: await coreOf(t, stream)});
  const request = http.get(`${url}/functions/jobs/api/invocations/live`, {agent: false});
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const [first] = await once(response, 'data');
  t.is(String(first), 'data: 1\n\n');
  request.destroy();
  await left.promise;
});

test('a target that is a whole URL is read by its path', t => {
  t.like(consoleRouteOf('http://127.0.0.1:8090/functions/a/api/now?x=1', ['a']), {kind: 'function', name: 'a', target: '/api/now?x=1'});
  t.like(consoleRouteOf('/functions?x', ['a']), {kind: 'list'});
  t.like(consoleRouteOf('/functions/a/?x', ['a']), {kind: 'function', path: '/', target: '/?x'});
});
