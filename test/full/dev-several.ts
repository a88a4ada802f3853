import {readdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {runCli as cli} from '../helpers/core.ts';
import {startJson, startSeveral} from '../helpers/dev.ts';
import {folderWith} from '../helpers/folder.ts';
import {below, gone, isAlive, signalTo} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';

/** Says who it is and what it got. */
const handlerOf = (name: string) => `
exports.handle = async ({path, queryStringParameters: query}, context) =>
  ({body: {name: '${name}', path, query, secret: process.env.SECRET, app: context.functionName}});
exports.other = async () => ({body: 'other'});
`;

const yaml = (...functions: string[]) => ['provider: {name: scaleway, runtime: node22}', 'functions:', ...functions].join('\n');

for (const [title, files, args, code, expected] of [
  ['a path that does not exist', {'a/handler.js': ''}, ['a', 'nowhere'], 64, /got `nowhere`, which does not exist/],
  [
    'two functions of one name',
    {'a/api/handler.js': '', 'b/api/handler.js': ''},
    ['a/api', 'b/api'],
    64,
    /`a\/api` and `b\/api` are both called api: give one another name, as in `api-2=b\/api`/,
  ],
  ['a name that is no part of an address', {'a.b/handler.js': '', 'c.js': ''}, ['a.b', 'c.js'], 64, /`a\.b` cannot be part of an address/],
  ['one name for several', {'a.js': '', 'b.js': ''}, ['a.js', 'b.js', '--name', 'x'], 64, /--name: expected one function, got several/],
  ['a manifest that does not exist', {}, ['serverless.yml'], 64, /serverless\.yml cannot be read: ENOENT/],
  [
    'a manifest with mistakes',
    {'serverless.yml': 'provider: {name: aws}'},
    [],
    78,
    /serverless\.yml:1: provider\.name: expected scaleway[\s\S]*name a handler to serve it without the file/,
  ],
  [
    'a manifest of nothing that is there',
    {'serverless.yml': yaml('  a: {handler: a.b}', '  c: {handler: Handle, runtime: go122}')},
    [],
    64,
    /a: expected the handler in a\.js .*\n(core-runtime: )?c: expected a built program in .*go build/,
  ],
] as const) {
  test(`${title} is refused`, async t => {
    const ended = await cli(['dev', ...args], {}, await folderWith(t, files));
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, expected);
    t.notRegex(ended.stderr, /\n\s+at /);
  });
}

test('several paths are served behind one port; one that dies leaves the others, and comes back when it is called', async t => {
  const folder = await folderWith(t, {'api/handler.js': handlerOf('api'), 'jobs/report.js': handlerOf('report')});
  const dev = await startSeveral(['api', 'jobs/report.js'], folder, t);
  t.like((await ask(`${dev.url}/api/x?a=1`)).json(), {name: 'api', path: '/x', query: {a: '1'}, app: 'api'});
  t.like((await ask(`${dev.url}/x`, {headers: {Host: 'report.localhost'}})).json(), {name: 'report', path: '/x', app: 'report'});
  const {functions} = (await ask(dev.url, {headers: {Accept: 'application/json'}})).json();
  t.deepEqual(
    functions.map(({name, url, state}: Record<string, string>) => [name, url, state]),
    ['api', 'report'].map(name => [name, `${dev.url}/${name}`, 'serving']),
  );
  const [, console = ''] = /\n {2}console {2}(http:\S+)\/\n/.exec(dev.output()) ?? [];
  t.is(functions[1].console, `${console}/functions/report`);
  t.is((await ask(`${functions[1].console}/readyz`)).status, 200);
  const nowOf = async (name: string) => ask(`${console}/functions/${name}/api/now`);
  for (const name of ['api', 'report']) t.is((await nowOf(name)).json().function.name, name);
  t.is((await ask(`${console}/api/now`)).json().function.name, 'api');
  await dev.printed(/api +│ \S+ {2}GET {2}\/x\?a=1 {2}200 /);

  const [core] = below(dev.pid);
  signalTo(core, 'SIGKILL');
  await dev.printed(/(api|report) +│ .*Ended, while the other functions go on: its core was ended by SIGKILL/);
  const [, dead = ''] = /(api|report) +│ .*Ended,/.exec(dev.output()) ?? [];
  t.is((await ask(`${dev.url}/${dead === 'api' ? 'report' : 'api'}`)).status, 200);
  const ended = await nowOf(dead);
  t.is(ended.status, 503);
  t.is(ended.json().error.message, `The core of ${dead} does not answer: its core was ended by SIGKILL.`);
  t.like(
    (await ask(`${console}/functions`)).json().functions.find(({name}: {name: string}) => name === dead),
    {state: 'ended'},
  );
  t.is((await ask(`${dev.url}/${dead}`)).json().name, dead);
  t.is((await nowOf(dead)).json().function.name, dead);

  const all = below(dev.pid);
  t.true(all.length >= 4, 'two cores, and the process of each function');
  t.is(await dev.stop(), 0);
  t.deepEqual(all.filter(isAlive), []);
});

test('the functions of a manifest are served with their variables; one that is missing is said, and found when it is there', async t => {
  const files = {
    'serverless.yml': [
      ...['service: shop', 'provider:', '  name: scaleway', '  runtime: node22', '  secret:', '    SECRET: $', 'functions:'],
      ...['  first: {handler: src/first.handle, custom_domains: [a.example]}', '  second: {handler: src/first.other}'],
      ...['  third: {handler: third.handle}'],
    ]
      .join('\n')
      .replace('$', () => '$'.concat('{FROM_FILE}')),
    '.env': 'FROM_FILE=of the file\n',
    'src/first.js': handlerOf('first'),
  };
  const folder = await folderWith(t, files);
  const dev = await startSeveral([], folder, t);
  t.regex(dev.output(), /serverless\.yml:8: functions\.first: custom_domains has no effect on this machine/);
  t.regex(dev.output(), /third +│ .*Not served: expected the handler in third\.js/);
  t.like((await ask(`${dev.url}/first`)).json(), {name: 'first', secret: 'of the file', app: 'first'});
  t.is((await ask(`${dev.url}/second`)).text(), 'other');
  t.is((await ask(`${dev.url}/third`)).status, 503);
  await writeFile(path.join(folder, 'third.js'), handlerOf('third'));
  t.is((await ask(`${dev.url}/third`)).json().name, 'third');
});

test('the only function of a manifest is at / as well, its schedule is one of its core, and it ends with dev', async t => {
  const folder = await folderWith(t, {
    'serverless.yml': yaml('  only: {handler: a.handle, events: [{schedule: {rate: "0 0 1 1 *", input: {n: 1}}}]}'),
    'a.js': handlerOf('only'),
  });
  const dev = await startSeveral(['serverless.yml'], folder, t);
  t.like((await ask(`${dev.url}/x`)).json(), {name: 'only', path: '/x'});
  t.like((await ask(`${dev.url}/only/x`)).json(), {name: 'only', path: '/x'});
  const [, admin = ''] = /metrics +(http:\S+)\/metrics/.exec(dev.output()) ?? [];
  t.like((await ask(`${admin}/api/schedules`)).json(), {schedules: [{name: 'schedule', cron: '0 0 1 1 *'}]});
  const all = below(dev.pid);
  signalTo(dev.pid, 'SIGKILL');
  await Promise.all(all.map(gone));
  t.true(all.length >= 2);
});

test('an edit of the manifest counts at once: what is new, changed and gone', async t => {
  const folder = await folderWith(t, {
    'serverless.yml': yaml('  a: {handler: h.handle}', '  b: {handler: h.handle}'),
    'h.js': handlerOf('h'),
  });
  const dev = await startSeveral([], folder, t);
  t.is((await ask(`${dev.url}/a`)).json().secret, undefined);
  const manifest = path.join(folder, 'serverless.yml');
  await writeFile(manifest, yaml('  a: {}'));
  await dev.printed(/The functions go on as they are: .*functions\.a\.handler: expected a handler/);
  t.is((await ask(`${dev.url}/b`)).status, 200);
  await writeFile(manifest, yaml('  a: {handler: h.handle, env: {SECRET: x}}', '  c: {handler: h.other}'));
  await dev.printed(/a has changed in the file[\s\S]*c is new: http/);
  t.is((await ask(`${dev.url}/a`)).json().secret, 'x');
  t.is((await ask(`${dev.url}/b`)).status, 404);
  t.is((await ask(`${dev.url}/c`)).text(), 'other');
  t.notRegex(dev.output(), /Ended/);
});

test('private functions have one key for the run, and its token is good after they have started anew', async t => {
  const folder = await folderWith(t, {
    'serverless.yml': yaml('  a: {handler: h.handle, privacy: private}', '  b: {handler: h.handle, privacy: private}'),
    'h.js': handlerOf('h'),
  });
  const dev = await startSeveral([], folder, t);
  const [, token = ''] = /TOKEN=(\S+)/.exec(dev.output()) ?? [];
  const call = async (name: string) => ask(`${dev.url}/${name}`, {headers: {'X-Auth-Token': token}});
  t.is((await ask(`${dev.url}/a`)).status, 401);
  t.is((await call('a')).status, 200);
  t.is((await call('b')).status, 200);
  await writeFile(
    path.join(folder, 'serverless.yml'),
    yaml('  a: {handler: h.handle, privacy: private, env: {SECRET: x}}', '  b: {handler: h.handle, privacy: private}'),
  );
  await dev.printed(/a has changed in the file/);
  t.is((await call('a')).json().secret, 'x');
  t.is(dev.output().match(/TOKEN=/g)?.length, 1);
});

test('the log of each function names it', async t => {
  const folder = await folderWith(t, {'a.js': handlerOf('a'), 'b.js': handlerOf('b')});
  const dev = await startJson(['a.js', 'b.js'], folder, t);
  const records = dev
    .output()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.deepEqual(
    records
      .filter(({msg}) => msg === 'Listening')
      .map(each => each.function)
      .sort(),
    ['a', 'b'],
  );
});

test('two functions of one handler have a journal each', async t => {
  const folder = await folderWith(t, {
    'serverless.yml': yaml('  a: {handler: h.handle}', '  b: {handler: h.handle}'),
    'h.js': handlerOf('h'),
  });
  const dev = await startSeveral([], folder, t, {CORE_JOURNAL: '', CORE_DATA_DIR: path.join(folder, 'data')});
  t.is((await readdir(path.join(folder, 'data'))).length, 2);
  t.notRegex(dev.output(), /Facts are kept in memory only/);
});
