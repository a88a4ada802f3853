import {existsSync, globSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {projectFile} from './helpers/core.ts';

/*
The images of the languages, checked without an engine: read as their builder reads them, against the example that each
names and against what the core's image holds.
*/

interface Stage {
  readonly name: string | undefined;
  readonly from: string;
  readonly copies: {readonly from: string | undefined; readonly sources: readonly string[]}[];
  user: string | undefined;
  readonly others: string[];
}

interface Image {
  readonly arguments: ReadonlyMap<string, string>;
  readonly stages: readonly Stage[];
}

const {version} = JSON.parse(readFileSync(projectFile('package.json'), 'utf8'));
const ours = '/opt/core-runtime/';

function read(text: string): Image {
  const given = new Map<string, string>();
  const stages: Stage[] = [];
  for (const line of text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')) {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    const stage = stages.at(-1);
    if (instruction === 'FROM') {
      const from = (words[0] ?? '').replaceAll(/\$\{(\w+)\}/g, (_, name) => given.get(name) ?? '');
      stages.push({name: words[2], from, copies: [], user: undefined, others: []});
    } else if (!stage) {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(words[0] ?? '') ?? [];
      if (instruction === 'ARG') given.set(name, value);
    } else if (instruction === 'COPY') {
      const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length);
      stage.copies.push({from, sources: words.filter(word => !word.startsWith('--')).slice(0, -1)});
    } else if (instruction === 'USER') stage.user = words[0];
    else if (instruction) stage.others.push(instruction);
  }
  return {arguments: given, stages};
}

/** What is wrong with a language's image, as sentences. */
function problems(text: string, example: string): string[] {
  const {arguments: given, stages} = read(text);
  const base = given.get('BASE');
  const names = stages.map(({name}) => name);
  const found: string[] = [];
  if (base !== `core-runtime:${version}`) found.push(`BASE is ${base}`);
  for (const {copies} of stages) {
    for (const {from, sources} of copies) {
      if (from !== undefined && !names.includes(from)) found.push(`no stage is called ${from}`);
      const missing = sources.filter(source => (from === undefined ? !isThere(example, source) : !isOurs(source)));
      found.push(...missing.map(source => `${source} is not there`));
    }
  }
  for (const last of stages.filter((stage, index) => stage.name === 'plain' || index === stages.length - 1)) {
    if (originOf(last.from, stages) !== base) found.push('the last stage is not built on BASE');
    if (!/^[1-9]\d*:[1-9]\d*$/.test(last.user ?? '')) found.push(`the last user is ${last.user}`);
    if (last.others.some(word => /^(ENTRYPOINT|CMD|HEALTHCHECK)$/.test(word))) found.push('the entrypoint is the core’s');
  }
  return found;
}

const isThere = (example: string, source: string) => existsSync(join(example, source)) || globSync(source, {cwd: example}).length > 0;
/** What a stage copies out of the core's image is there when the project has it; what was built is not checked. */
const isOurs = (source: string) => !source.startsWith(ours) || existsSync(projectFile(source.slice(ours.length)));

function originOf(from: string | undefined, stages: readonly Stage[]): string | undefined {
  const parent = stages.find(({name}) => name !== undefined && name === from);
  return parent ? originOf(parent.from, stages) : from;
}

const node = projectFile('examples/01-hello-node');
const whole = `ARG BASE=core-runtime:${version}\nFROM \${BASE}\nCOPY handler.js ./\nUSER 10001:10001\n`;

for (const [title, text, problem] of [
  ['a base of another version', whole.replace(version, '9.9.9'), /^BASE is core-runtime:9\.9\.9$/],
  ['a file that the example has not', whole.replace('handler.js', 'main.js'), /^main\.js is not there$/],
  ['a stage that there is none of', whole.replace('COPY ', 'COPY --from=build '), /^no stage is called build$/],
  [
    'a missing file of the core',
    whole.replace('handler.js', '/opt/core-runtime/none').replace('COPY', 'COPY --from=core').replace('FROM', 'FROM x AS core\nFROM'),
    /none is not there/,
  ],
  ['a last stage on another image', `${whole}FROM debian\nUSER 1:1\n`, /not built on BASE/],
  ['root at the end', `${whole}USER root\n`, /^the last user is root$/],
  [
    'root at the end of another target',
    `${whole}USER root\n`.replace('}\n', '} AS plain\n') + whole.slice(whole.indexOf('FROM')),
    /is root$/,
  ],
  ['another entrypoint', `${whole}ENTRYPOINT ["sh"]\n`, /entrypoint/],
] as const) {
  test(`${title} is found`, t => {
    const found = problems(text, node);
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0] ?? '', problem);
  });
}

/** Folders of a contract, and not of a language: its functions are in any, and their image is that of their language. */
const contracts = new Set(['lambda']);
const languages = readdirSync(projectFile('runtimes'), {withFileTypes: true}).filter(
  entry => entry.isDirectory() && !contracts.has(entry.name),
);

for (const {name: language} of languages) {
  test(`the image for ${language} fits its example`, t => {
    const example = readdirSync(projectFile('examples')).find(name => name.endsWith(`-hello-${language}`)) ?? '';
    const text = readFileSync(projectFile(`runtimes/${language}/Dockerfile`), 'utf8');
    t.deepEqual(problems(text, join(projectFile('examples'), example)), []);
    t.true(text.includes(`docker build -f runtimes/${language}/Dockerfile`) && text.includes(`examples/${example}\n`));
  });
}

test('a language has its conformance function', t => {
  const places = ['conform.*', 'conform/main.*', 'examples/conform.*'];
  for (const {name} of languages) t.is(globSync(places, {cwd: projectFile(`runtimes/${name}`)}).length, 1, name);
});

test('the image asks its own command whether it is healthy, and its core opens no inspector', t => {
  const text = readFileSync(projectFile('Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const [, check = ''] = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(text) ?? [];
  t.deepEqual(JSON.parse(check), ['node', `${ours}src/cli.js`, 'ready']);
  const [, entrypoint = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(text) ?? [];
  t.true(JSON.parse(entrypoint).includes('--disable-sigusr1'));
});
