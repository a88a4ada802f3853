import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {systemClock} from '../src/clock.ts';
import {openBrowser} from '../test/helpers/browser.ts';
import {projectFile} from '../test/helpers/core.ts';
import {freePort} from '../test/helpers/port.ts';
import {ask} from '../test/helpers/request.ts';
import {openTerminal} from '../test/helpers/terminal.ts';
import {colouredHtml} from './coloured.ts';
import {writePicture} from './picture.ts';

/*
Takes the picture of the terminal for the documents: `dev` on the README's function, a call, one that fails, an edit, and
an occurrence of a schedule. `npm run screenshots` calls it.
*/

/** Text has few colours; those of its smooth edges may be a little off. */
const most = {mostBytes: 70_000, mostColours: 64};
const [width, scale] = [740, 2];
/** The times in the picture differ as when a person makes the calls. */
const pauseMs = 1300;
/** The README's function greets everybody after the edit. */
const [before, after] = ['const {name}', "const {name = 'everybody'}"];

await using stack = new AsyncDisposableStack();
const place = await mkdtemp(path.join(tmpdir(), 'terminal-'));
stack.defer(() => rm(place, {recursive: true}));
const shown = await showDev();
const browser = await openBrowser();
stack.defer(() => browser.close());
const page = await browser.newPage({viewport: {width, height: 400}, deviceScaleFactor: scale});
await page.setContent(pageOf(shown));
await writePicture(projectFile('docs/terminal.png'), await page.locator('pre').screenshot(), most);

/** @returns what stands on the terminal then, with the colours */
async function showDev(): Promise<string> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = path.join(place, 'handler.js');
  const code = await readmeFile('handler.js');
  await writeFile(file, code);
  const {type, sees, kill, ended} = openTerminal(
    [process.execPath, projectFile('src/cli.ts'), 'dev', 'handler.js'],
    {
      PATH: process.env.PATH ?? '',
      TERM: 'xterm-256color',
      PORT: String(port),
      CORE_ADMIN_PORT: String(adminPort),
      CORE_JOURNAL: 'memory:',
      CORE_SCHEDULES: JSON.stringify([{name: 'nightly', cron: '0 3 * * *'}]),
    },
    place,
  );
  stack.defer(kill);
  const url = `http://127.0.0.1:${port}`;
  let seen = await sees(/ 0 requests .* next nightly .*h help/);
  const see = async (pattern: RegExp) => {
    seen += await sees(pattern);
    await systemClock.sleep(pauseMs);
  };
  await ask(`${url}/?name=Ada`);
  await see(/greeting Ada[\s\S]* 1 request .*h help/);
  const failed = await ask(url);
  await see(/ 4 \|[\s\S]* 2 requests .*h help/);
  await writeFile(file, code.replace(before, after));
  await see(/Reloaded in [\s\S]*h help/);
  await ask(url);
  await see(/greeting everybody[\s\S]* 3 requests .*h help/);
  type('s');
  await see(/cron[\s\S]*greeting everybody[\s\S]* 4 requests .*h help/);
  type('q');
  await ended;
  // A reader's ports are the usual ones, and the README goes on to explain the call that failed.
  return seen
    .replaceAll(place, '/srv')
    .replaceAll(`:${port}`, ':8080')
    .replaceAll(`:${adminPort}`, ':8090')
    .replaceAll(`#${failed.field('core-invocation-id')?.slice(-4)}`, `#${await explainedTag()}`);
}

/** The text of a file that the README shows. */
async function readmeFile(name: string): Promise<string> {
  const code = await inReadme(new RegExp(`<!-- file: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``));
  if (!code.includes(before)) throw new Error(`Expected README.md to show ${name} with ${before}`);
  return code;
}

/** The end of the id that the README explains. */
function explainedTag(): Promise<string> {
  return inReadme(/^Invocation \S+(\w{4})$/m);
}

async function inReadme(pattern: RegExp): Promise<string> {
  const [, found] = pattern.exec(await readFile(projectFile('README.md'), 'utf8')) ?? [];
  if (found === undefined) throw new Error(`Expected README.md to have ${pattern}`);
  return found;
}

function pageOf(bytes: string): string {
  return `<!doctype html>
<style>
  body {margin: 0}
  pre {margin: 0; padding: 18px 22px; font: 14px/20px 'DejaVu Sans Mono', monospace; background: #0d1117; color: #d6dce4}
  .prompt {color: #7ee787}
  .bold {font-weight: bold; color: #fff}
  .dim {color: #8b949e}
  .red {color: #ff7b72}
  .green {color: #7ee787}
  .yellow {color: #e3b341}
  .cyan {color: #76e3ea}
</style>
<pre><span class="prompt">$</span> npx core-runtime dev handler.js
${colouredHtml(bytes)}</pre>`;
}
