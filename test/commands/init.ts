import {execFile} from 'node:child_process';
import {mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {type LanguageName, languages} from '../../src/init/languages.ts';
import {writeFunction} from '../../src/init/write.ts';
import {runCli as cli, projectFile} from '../helpers/core.ts';
import {isThere} from '../helpers/there.ts';

const folderOf = async (t: ExecutionContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'init-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return folder;
};

for (const [args, message] of [
  [[], /expected a language: node, typescript, python, php, go, rust, as in `core-runtime init node hello`/],
  [['cobol'], /expected a language: node, .*, got `cobol`/],
  [['constructor'], /got `constructor`/],
  [['node', 'a', 'b'], /expected one folder/],
] as const) {
  test(`\`init ${args.join(' ')}\` is refused with exit code 64`, async t => {
    const {code, stderr} = await cli(['init', ...args], {}, await folderOf(t));
    t.is(code, 64);
    t.regex(stderr, message);
  });
}

test('a folder that cannot be made is refused with the reason, also where Node would try without an end', async t => {
  const folder = await folderOf(t);
  await writeFile(join(folder, 'file'), '');
  await symlink(join(folder, 'nowhere'), join(folder, 'link'));
  for (const [place, reason] of [
    ['/proc/x/y', 'no folder can be made there'],
    [join(folder, 'file/x'), 'a file is in the way'],
    [join(folder, 'link'), 'a file is in the way'],
    [join(folder, 'a'.repeat(300)), 'the name is too long'],
  ] as const) {
    await t.throwsAsync(writeFunction('node', place), {message: `the function cannot be written into ${place}: ${reason}`});
  }
  const {code, stderr} = await cli(['init', 'node', '/proc/x'], {}, folder);
  t.is(code, 1);
  t.is(stderr, 'core-runtime: the function cannot be written into /proc/x: no folder can be made there\n');
});

test('files that would be overwritten are named, and nothing is written', async t => {
  const folder = await folderOf(t);
  await writeFile(join(folder, 'package.json'), '{}');
  await mkdir(join(folder, 'handler.js'));
  await symlink(join(folder, 'nowhere'), join(folder, 'README.md'));
  await t.throwsAsync(writeFunction('node', folder), {
    message: /has files that would be overwritten: README\.md, handler\.js, package\.json\. Name another/,
  });
  t.deepEqual((await readdir(folder)).sort(), ['README.md', 'handler.js', 'package.json']);
  const go = await folderOf(t);
  await mkdir(join(go, 'core-runtime'));
  await writeFile(join(go, 'core-runtime/go.mod'), '');
  await t.throwsAsync(writeFunction('go', go), {message: /overwritten: core-runtime\/\. Name another/});
  await t.throwsAsync(writeFunction('go', join(folder, 'package.json')), {message: /expected a folder, got the file/});
});

test('every template is a language that can be written, and every language has one', async t => {
  t.deepEqual((await readdir(projectFile('templates'))).sort(), Object.keys(languages).sort());
});

for (const name of Object.keys(languages) as LanguageName[]) {
  test(`${name}: the function has a test, an ignore file, a README of three lines, and the name of its folder`, async t => {
    const folder = join(await folderOf(t), 'My Orders_2');
    const files = await writeFunction(name, folder);
    t.true(files.includes('.gitignore') && files.some(file => /test/.test(file)) === (name !== 'rust'));
    t.regex(await readFile(join(folder, '.gitignore'), 'utf8'), /^\.env$/m);
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    t.is(readme.split('\n').filter(line => line !== '').length, 3);
    t.true(readme.startsWith('# my-orders-2\n') && readme.includes(languages[name].test), readme);
    for (const file of files.filter(file => /^(package\.json|go\.mod)$/.test(file)))
      t.regex(await readFile(join(folder, file), 'utf8'), /^module my-orders-2$|"name": "my-orders-2"/m);
  });
}

for (const [name, needs] of [
  ['node', ['npm']],
  ['typescript', ['npm']],
  ['python', ['python3']],
  ['php', ['php']],
] as const) {
  const missing = needs.filter(command => !isThere(command));
  if (missing.length > 0) console.log(`skipped: ${name}: PATH has no ${missing.join(', ')}`);
  (missing.length > 0 ? test.skip : test)(`${name}: its test passes, and it answers`, async t => {
    const parent = await folderOf(t);
    const {code, stdout, stderr} = await cli(['init', name, 'orders', '--json'], {}, parent);
    t.is(code, 0, stderr);
    const {folder, next} = JSON.parse(stdout);
    t.is(folder, join(parent, 'orders'));
    t.deepEqual(next, [`cd orders && ${languages[name].test}`, languages[name].serve]);
    const env = {...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: '1'};
    await t.notThrowsAsync(promisify(execFile)('sh', ['-c', next[0]], {cwd: parent, env}));
    const answer = await cli(['invoke', '--query', 'name=Ada', '--json'], {}, folder);
    t.is(answer.code, 0, answer.stderr);
    const {status, body, lines} = JSON.parse(answer.stdout);
    t.is(status, 200);
    t.is(JSON.parse(body).message, 'Hello, Ada!');
    t.is(lines[0].line, 'greeting Ada');
    t.is(lines[0].stream, 'stdout'); // every bridge knows of these lines which call wrote them
  });
}

test('in the current folder the next commands have no cd, and a folder with spaces is quoted', async t => {
  const folder = await folderOf(t);
  t.regex(
    (await cli(['init', 'python'], {}, folder)).stdout,
    /^Wrote README\.md, .*\. Next:\n\n {2}python3 -m unittest\n {2}npx core-runtime dev\n$/,
  );
  t.regex((await cli(['init', 'php', "it's mine"], {}, folder)).stdout, /^ {2}cd 'it'\\''s mine' && php test\.php$/m);
});
