import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {projectFile, startCore} from './helpers/core.ts';
import {freePort} from './helpers/port.ts';
import {endingWithUs, outputOf} from './helpers/process.ts';
import {cliProgram} from './helpers/programs.ts';
import {ask} from './helpers/request.ts';
import {isThere} from './helpers/there.ts';

/** The shell commands of a document that follow `<!-- recipe: name -->`, by name. */
function recipesOf(document: string): Map<string, string> {
  const found = readFileSync(projectFile(document), 'utf8').matchAll(/<!-- recipe: (\S+) -->\n```sh\n([\s\S]*?)```/g);
  return new Map([...found].map(([, name = '', script = '']) => [name, script]));
}

/** A shell in an empty folder, where a recipe's commands find what they name, and take free ports. */
function shell(t: ExecutionContext, script: string, folder: string, settings: Record<string, string> = {CORE_JOURNAL: 'memory:'}) {
  const {PATH, HOME} = process.env;
  const here = script
    .replaceAll(/^(\w+=\S+ )?npx core-runtime (dev|start)/gm, '$1exec npx core-runtime $2')
    .replaceAll('npx core-runtime', `${process.execPath} ${cliProgram}`)
    .replaceAll(/\bexamples\/\S+/g, projectFile);
  const env = {PATH: `${dirname(process.execPath)}:${PATH}`, HOME, PORT: '0', CORE_ADMIN_PORT: '0', ...settings};
  const child = spawn(...endingWithUs(['bash', '-euc', here]), {cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe']});
  const ended = once(child, 'close');
  t.teardown(() => {
    child.kill('SIGTERM');
    return ended;
  });
  const output = outputOf(child.stdout);
  const errors = outputOf(child.stderr);
  return {
    /** What it printed, once it has ended well. */
    async printed(): Promise<string> {
      const [code] = await ended;
      t.is(code, 0, errors());
      return output();
    },
    /** The address of the core that it serves. */
    async url(): Promise<string> {
      const [, url = ''] = /^ {2}url +(\S+)/m.exec(await until(/^ {2}url +\S+/m)) ?? [];
      return url;
    },
    until,
    /** As Ctrl-C. */
    async stop(): Promise<void> {
      child.kill('SIGINT');
      await ended;
    },
  };

  /** What it has printed, once this is in it. */
  async function until(pattern: RegExp): Promise<string> {
    while (!pattern.test(output())) {
      const [code] = await Promise.race([once(child.stdout, 'data'), ended]);
      if (typeof code === 'number') throw new Error(`The recipe ended with ${code}: ${errors()}`);
    }
    return output();
  }
}

/** Skipped where the machine lacks what the recipe needs. */
function recipe(title: string, needs: readonly string[], run: (t: ExecutionContext) => Promise<void>): void {
  const missing = needs.filter(command => !isThere(command));
  if (missing.length > 0) console.log(`skipped: ${title}: PATH has no ${missing.join(', ')}`);
  (missing.length > 0 ? test.skip : test)(title, run);
}

recipe('the recipe for a private function makes a key, settings, a token, and a call that is let in', ['openssl', 'curl'], async t => {
  const folder = temporaryFolder(t);
  const recipes = Object.fromEntries(recipesOf('docs/private-functions.md'));
  const {keys = '', serve = '', token = '', call = ''} = recipes;
  await shell(t, keys, folder).printed();
  const url = await shell(t, serve, folder).url();
  const calls = call.replaceAll('localhost:8080', url);
  const answers = 'Unauthorized\n{"message":"Hello, world!","method":"GET","path":"/"}';
  t.is(await shell(t, token + calls, folder).printed(), answers);
  // The key is an ordinary one: what OpenSSL signs with it is as good.
  t.is(await shell(t, recipes['openssl-token'] + calls, folder).printed(), answers);
  const other = temporaryFolder(t);
  await shell(t, recipes['openssl-keys'] ?? '', other).printed();
  t.is((await shell(t, token + calls, other).printed()).replaceAll('\n', ' ').trim(), 'Unauthorized authorization token not valid');
});

recipe('the first hour goes as the page says', ['curl', 'npm'], async t => {
  const parent = temporaryFolder(t);
  const folder = join(parent, 'hello');
  const recipes = Object.fromEntries(recipesOf('docs/start.md'));
  const settings = {CORE_DATA_DIR: join(parent, 'state'), CORE_ADMIN_PORT: String(await freePort())};
  const run = (name: string, url = '', where = folder) =>
    shell(t, (recipes[name] ?? '').replaceAll('localhost:8080', url), where, settings);
  t.regex(await run('first', '', parent).printed(), /^Wrote .*handler\.js/);
  t.regex(await run('invoke').printed(), /^\{"message":"Hello, Ada!",/);

  const dev = run('serve');
  t.regex(await run('call', await dev.url()).printed(), /^\{"message":"Hello, Ada!",/);
  await dev.stop();
  await run('private').printed();
  t.is((await run('schedule').printed()).match(/ \+0[12]:00 /g)?.length, 5);

  const again = run('again');
  t.regex(
    await run('both', await again.url()).printed(),
    /^Unauthorized\n\{"message":"Hello, Ada!",.*\}greet of hello ran for .*: executed properly\n$/,
  );
  t.regex(await run('see').printed(), /cron:greet[\s\S]*http/);
  const replayed = shell(t, `{ ${recipes.replay} } || test $? = 1`, folder, settings);
  t.regex(await replayed.printed(), /^ +- +"message": "Hello, Ada!"\n +\+ +"message": "Good morning, Ada!"$/m);
  await again.stop();

  const started = run('start');
  await started.until(/"Listening"/);
  t.is(await run('ready').printed(), 'ready\n');
  const [, image = ''] = /```dockerfile\n([\s\S]*?)```/.exec(readFileSync(projectFile('docs/start.md'), 'utf8')) ?? [];
  t.true(image !== '' && readFileSync(projectFile('docs/deploy.md'), 'utf8').includes(image));
});

for (const [name, needed] of [
  ['handler.js', 'node'],
  ['handler.py', 'python3'],
  ['handler.php', 'php'],
] as const) {
  recipe(`the first ${name} of the guide greets, prints a line and sets a header`, [needed], async t => {
    const core = await serveFile(t, 'docs/functions.md', name);
    const answer = await ask(`${core.url}/?name=Ada`);
    t.deepEqual(answer.json(), {hello: 'Ada'});
    t.is(answer.field('x-greeting'), 'yes');
    const line = await core.logged(({msg}) => msg === 'greeting Ada');
    t.is(line.invocationId, answer.field('core-invocation-id'));
  });
}

recipe('the guide’s calls without a server print what the function returned', [], async t => {
  const folder = temporaryFolder(t);
  writeFile(folder, 'docs/functions.md', 'handler.js');
  const printed = await shell(t, recipesOf('docs/functions.md').get('invoke') ?? '', folder).printed();
  t.is(printed, '{"hello":"Ada"}executed properly');
  t.is(readFileSync(join(folder, 'answer.json'), 'utf8'), '{}');
});

test('the README’s function answers as the README shows', async t => {
  const core = await serveFile(t, 'README.md', 'handler.js');
  t.is((await ask(`${core.url}/?name=Ada`)).text(), '{"hello":"Ada"}');
  const failed = await ask(core.url);
  t.is(failed.status, 500);
  t.is(failed.field('core-error'), 'HANDLER_FAILED');
  t.true(readFileSync(projectFile('README.md'), 'utf8').includes(failed.text().trim()));
});

test('the terminal looks as the page on dev shows', async t => {
  const folder = temporaryFolder(t);
  writeFile(folder, 'README.md', 'handler.js');
  const dev = shell(t, 'npx core-runtime dev handler.js', folder);
  const url = await dev.url();
  await ask(`${url}/?name=Ada`);
  await ask(url);
  const [, shown = ''] = /dev handler\.js\n([\s\S]*?)\n .* requests? · /.exec(readFileSync(projectFile('docs/dev.md'), 'utf8')) ?? [];
  // What differs from one time to the next: times, ids, places.
  const alike = (text: string) =>
    text
      .replaceAll(/^\d\d:\d\d:\d\d/gm, 'TIME')
      .replaceAll(/\d[\d.]* ms {2}#\w{4}/g, 'MS #ID')
      .replaceAll(/(http:\/\/[\w.]+):\d+/g, '$1:PORT')
      .replaceAll(/\/\S*\/handler\.js \(/g, '/handler.js (')
      .replaceAll(/Node\.js [\d.]+/g, 'Node.js');
  t.is(alike(await dev.until(/ 4 \| .*\n/)).trimEnd(), alike(shown).trimEnd());
});

test('the guide’s function with Request and Response greets', async t => {
  const core = await serveFile(t, 'docs/functions.md', 'fetch.mjs');
  const answer = await ask(`${core.url}/?name=Ada`);
  t.deepEqual([answer.json(), answer.field('x-greeting')], [{hello: 'Ada'}, 'yes']);
});

/** Serves a file that the document shows after `<!-- file: name -->`. */
async function serveFile(t: ExecutionContext, document: string, name: string) {
  return startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: writeFile(temporaryFolder(t), document, name)}, t);
}

/** Writes it. @returns its path */
function writeFile(folder: string, document: string, name: string): string {
  const text = readFileSync(projectFile(document), 'utf8');
  const [, code = ''] = new RegExp(`<!-- file: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(text) ?? [];
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  return folder;
}
