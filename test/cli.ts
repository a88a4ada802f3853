import test from 'ava';
import {runCli as cli, projectFile, spawnCli} from './helpers/core.ts';
import {ask} from './helpers/request.ts';

test('an unknown command is refused, with the list of commands', async t => {
  const {code, stderr} = await cli(['serv']);
  t.is(code, 64);
  t.regex(stderr, /expected a command, got `serv`[\s\S]*core-runtime dev \[<path>…\]/);
});

test('a mistyped command, and the second word of one, name the command that is meant', async t => {
  for (const [args, meant] of [
    [['invocation'], 'invocations'],
    [['expalin', 'x'], 'explain'],
    [['dve'], 'dev'],
    [['hlep'], 'help'],
    [['verify'], 'journal verify'],
    [['help', 'journl'], 'journal'],
  ] as const) {
    const {code, stdout, stderr} = await cli(args);
    t.is(code, 64);
    t.is(stdout, '');
    t.regex(stderr, new RegExp(`; did you mean \`core-runtime ${meant}\`\\? .*\n$`));
  }
});

test('help lists the commands, and prints the options of one', async t => {
  t.is((await cli(['help', 'toString'])).code, 64);
  const {code, stdout} = await cli(['help']);
  t.is(code, 0);
  t.is(stdout, (await cli(['--help'])).stdout);
  t.is((await cli(['help', 'journal', 'verify'])).stdout, (await cli(['journal', 'verify', '--help'])).stdout);
});

test('a command that is advised is called as this one was: by npx, by a script, or by its name', async t => {
  const helpRow = (program: string) => new RegExp(`^ {2}${program} dev \\[<path>…\\]`, 'm');
  for (const [env, program] of [
    [{npm_command: 'exec', npm_lifecycle_event: 'npx'}, 'npx core-runtime'],
    [{npm_command: 'run-script', npm_lifecycle_event: 'start'}, 'npx core-runtime'],
    [{npm_lifecycle_event: 'dev'}, 'npx core-runtime'], // Yarn
    [{}, 'core-runtime'],
  ] as const) {
    t.regex((await cli(['--help'], env)).stdout, helpRow(program));
    t.true((await cli(['top', '--help'], env)).stdout.includes(`\n  ${program} top --once --json `));
    t.true((await cli(['dve'], env)).stderr.endsWith(`; did you mean \`${program} dev\`? \`${program} help\` lists all\n`));
    t.true((await cli(['top', '--onec'], env)).stderr.includes(`\n\n  ${program} top [--once]`));
    t.true((await cli(['init'], env)).stderr.includes(`, as in \`${program} init node hello\`\n`));
  }
});

test('dev in a folder without a handler says what it wants', async t => {
  const {code, stderr} = await cli(['dev']);
  t.is(code, 64);
  t.regex(stderr, /has no handler: expected handler\.\*, .* name one, such as `\S+`$/m);
});

test('a mistake in the options is reported without a stack', async t => {
  for (const args of [
    ['config', '--bogus'],
    ['dev', '--bogus', 'x.js'],
  ]) {
    const {code, stderr} = await cli(args);
    t.is(code, 64);
    t.regex(stderr, /Unknown option '--bogus'/);
    t.notRegex(stderr, /\n\s+at /);
  }
  t.regex((await cli(['dev', '--help'])).stdout, /dev \[<path>…\]/);
});

test('config refuses what the start would refuse', async t => {
  t.regex((await cli(['config'], {CORE_TIMEOUTS: '4s'})).stderr, /did you mean CORE_TIMEOUT\?/);
  t.regex((await cli(['config'], {SCW_PUBLIC_KEY: 'junk'})).stderr, /SCW_PUBLIC_KEY: expected a PEM block/);
  t.regex((await cli(['config'], {SCW_PUBLIC: 'TRUE'})).stdout, /^SCW_PUBLIC +false +environment$/m);
});

test('dev with a handler that does not exist says so', async t => {
  const {code, stderr} = await cli(['dev', 'nowhere.js']);
  t.is(code, 64);
  t.regex(stderr, /expected a handler file, a folder or a program, got `nowhere\.js`, which does not exist/);
});

test('config names a bad value and still prints the others', async t => {
  const {code, stdout, stderr} = await cli(['config'], {CORE_TIMEOUT: 'soon'});
  t.is(code, 78);
  t.regex(stderr, /CORE_TIMEOUT: expected a duration .* got `soon`/);
  t.regex(stdout, /^PORT +8080 +default$/m);
});

test('config hides secrets and says where values came from', async t => {
  const {code, stdout} = await cli(['config', '--json'], {SCW_PUBLIC: 'true', SCW_PUBLIC_KEY: 'the-secret', PORT: '1234'});
  t.is(code, 0);
  t.notRegex(stdout, /the-secret/);
  const reports = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  const named = (name: string) => reports.find(report => report.name === name);
  t.like(named('SCW_PUBLIC_KEY'), {value: '(hidden)', source: 'environment'});
  t.like(named('PORT'), {value: '1234', source: 'environment'});
  t.like(named('CORE_TIMEOUT'), {value: '300s', source: 'default'});
  t.like(named('SCW_HANDLER_PATH'), {value: null, source: 'unset'});
});

test('--help lists the commands, --version is the package’s', async t => {
  t.regex((await cli(['--help'])).stdout, /core-runtime config +Prints/);
  t.regex((await cli(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('dev serves a handler publicly, prints what to try, and a line for each request without codes for a terminal', async t => {
  const printed = await spawnCli(['dev', projectFile('examples/01-hello-node/handler.js')], t);
  const banner = await printed.until(/ try .*\n/);
  t.regex(banner, /function +\/.*handler\.js \(handle\)/);
  t.regex(banner, /runs on +Node\.js 2\d\./);
  t.regex(banner, /metrics +http:\/\/127\.0\.0\.1:\d+\/metrics/);
  const [, url = ''] = /try +curl '([^']+)'/.exec(banner) ?? [];
  const line = printed.until(/ GET {2}\/\?name=you {2}200 {2}[\d.]+ ms {2}#\w{4}\n/);
  t.is((await ask(url)).json().message, 'Hello, you!');
  t.false((await line).includes('\x1b'));
});
