import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {isThere} from '../helpers/there.ts';

const run = promisify(execFile);
const curl = isThere('curl') && isThere('bash') ? test : test.skip;

curl('work is sent, asked for and read, and a key is used twice, as the page on work shows', async t => {
  const page = await readFile(projectFile('docs/work.md'), 'utf8');
  const {folder, core} = await serve(t);
  const shell = async (name: string, before = '') => {
    const [, script = ''] = new RegExp(`<!-- recipe: ${name} -->\n\`\`\`sh\n([\\s\\S]*?)\`\`\``).exec(page) ?? [];
    t.not(script, '', name);
    const here = before + script.replaceAll('localhost:8080', core.url.replace(/\/$/, ''));
    return (await run('bash', ['-euc', here], {cwd: folder})).stdout;
  };
  const shown = (text: string) => page.includes(`\`\`\`\n${text.trim()}\n\`\`\``);

  const receipt = JSON.parse(await shell('send'));
  t.is(receipt.status, 'accepted');
  const [, example = ''] = /```json\n(.*)\n```/.exec(page) ?? [];
  t.deepEqual(Object.keys(receipt), Object.keys(JSON.parse(example)));
  const {self} = receipt.links;
  let view = {status: ''};
  while (view.status !== 'responded') view = JSON.parse(await shell('ask', `LOCATION=${self}\n`));
  t.true(shown(await shell('reply', `LOCATION=${self}\n`)));
  t.true(shown((await shell('key')).replaceAll('\r', '').replace(/(?<=\})(?=Idem)/, '\n')));
});

test('the page on work names every status that is told', async t => {
  const page = await readFile(projectFile('docs/work.md'), 'utf8');
  const types = await readFile(projectFile('src/work/view.ts'), 'utf8');
  const [, union = ''] = /type WorkViewStatus =([\s\S]*?);/.exec(types) ?? [];
  const told = [...union.matchAll(/'([a-z]+)'/g)].map(([, word]) => word ?? '');
  t.true(told.includes('retrying'));
  const table = /\| `status` \| meaning \|[\s\S]*?\n\n/.exec(page)?.[0] ?? '';
  for (const word of [...told, 'responded', 'failed', 'cancelled', 'expired', 'dead-lettered']) {
    if (word !== 'outcome' && word !== 'invocation') t.true(table.includes(`\`${word}\``), word);
  }
});

async function serve(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'work-page-'));
  t.teardown(() => rm(folder, {recursive: true, force: true, maxRetries: 5}));
  const handler = {SCW_HANDLER_PATH: projectFile('examples/01-hello-node/handler.js'), SCW_HANDLER_NAME: 'handle'};
  const core = await startCore({SCW_PUBLIC: 'true', ...handler, CORE_WORK: 'on', CORE_JOURNAL: `sqlite:${folder}/journal.db`}, t);
  t.is((await ask(core.url)).status, 200);
  return {folder, core};
}
