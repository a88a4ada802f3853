import {existsSync, globSync, readFileSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import test from 'ava';
import {errorsTables, withRetryAfter} from '../docs/errors.ts';
import {generated, withPart} from '../docs/generate.ts';
import {settingsTable} from '../src/commands/config.ts';
import {loadCommands} from '../src/commands/index.ts';
import {catalogue} from '../src/errors.ts';
import {joinSettings} from '../src/settings/config.ts';
import {triggers} from '../triggers/index.ts';
import {projectFile} from './helpers/core.ts';

const commands = await loadCommands();
const read = (path: string) => readFileSync(projectFile(path), 'utf8');
const listed = (...patterns: string[]) =>
  globSync(patterns, {cwd: projectFile('.'), exclude: file => /(^|\/)(node_modules|dist|coverage|target|test)$/.test(file)});

/** A heading as GitHub names it in a link: lower case, no punctuation, hyphens for spaces. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```/gm, '');
const anchorsOf = (text: string) => [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

test('a document without the marks is refused', t => {
  t.throws(() => withPart('# nothing', 'settings', ''), {message: /marks of `settings`/});
});

for (const {document, mark, write} of generated) {
  test(`the ${mark} in ${document} are those of the code (npm run docs writes them)`, t => {
    t.is(withPart(read(document), mark, write()), read(document));
  });
}

test('every setting is in the tables of settings once, and one starts with five', t => {
  const tables = settingsTable(joinSettings(triggers)).split(/^### /m).slice(1);
  const named = tables.map(table => [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
  t.is(named[0]?.length, 5);
  t.true(named.every(names => names.length > 0));
  t.deepEqual(
    named.flat().sort(),
    Object.values(joinSettings(triggers))
      .map(({name}) => name)
      .sort(),
  );
});

test('every fault of the catalogue is on the page of errors once', t => {
  const named = [...errorsTables().matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, code, status]) => `${code} ${status}`);
  t.deepEqual(
    named.sort(),
    Object.entries(catalogue)
      .map(([code, {status}]) => `${code} ${status}`)
      .sort(),
  );
});

test('the codes that the page gives Retry-After are those that are thrown with it', t => {
  const sources = listed('src/**/*.ts', 'middleware/**/*.ts', 'triggers/**/*.ts', 'protocols/**/*.ts').map(read).join('\n');
  const thrown = [...sources.matchAll(/new Fault\('([A-Z_]+)'(?:(?!new Fault\()[^;])*?\bretryAfterS\b/g)].map(([, code]) => code);
  t.deepEqual([...new Set(thrown)].sort(), [...withRetryAfter].sort());
});

test('the page of the architecture names every room', t => {
  const page = read('docs/architecture.md');
  const rooms = new Set(listed('{src,middleware,triggers,protocols}/**/*.ts').map(file => `${dirname(file)}/`));
  t.true(rooms.size > 20);
  for (const room of rooms) t.true(page.includes(`| \`${room}\` `), `${room} is not on the page`);
});

for (const [what, pattern] of [
  ['decision', 'docs/adr/*.md'],
  ['example', 'examples/*'],
] as const) {
  test(`each ${what} has a number of its own`, t => {
    const numbers = listed(pattern).flatMap(path => /^\d+/.exec(basename(path)) ?? []);
    t.true(numbers.length > 10);
    t.deepEqual(numbers, [...new Set(numbers)]);
  });
}

test('every link of every document leads to a file, and to a heading of it', t => {
  const documents = listed('**/*.md');
  t.true(documents.includes('README.md') && documents.includes('examples/06-cron/README.md'));
  for (const document of documents) {
    for (const [, link = ''] of withoutCode(read(document)).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path = '', anchor] = link.split('#');
      const linked = path === '' ? document : join(dirname(document), path);
      t.true(existsSync(projectFile(linked)), `${document} links to ${link}`);
      if (anchor !== undefined) t.true(anchorsOf(read(linked)).includes(anchor), `${document} links to ${link}`);
    }
  }
});

test('every file of the project that a document names exists', t => {
  const documents = listed('**/*.md').filter(document => !/^docs\/adr\/|^CHANGELOG\.md$/.test(document)); // these tell of the past
  for (const document of documents) {
    for (const [, path = ''] of read(document).matchAll(
      /`((?:src|test|middleware|triggers|protocols|runtimes|bench|deploy|docs|examples)\/[\w./-]+)`/g,
    )) {
      t.true(existsSync(projectFile(path)), `${document} names ${path}`);
    }
  }
});

/** A command as it works only where the package is installed globally, or in the image. */
const bareCommand = new RegExp(
  `(?<!npx |\\bexec .*)(?<![\\w/.:@-])core-runtime (?:${[...new Set(commands.map(([name]) => name.split(' ')[0]))].join('|')})\\b`,
);

for (const [text, isBare] of [
  ['`core-runtime dev` serves', true],
  ['FOO=bar core-runtime dev handler.js', true],
  ['true && core-runtime replay --since 1h', true],
  ['$ core-runtime journal verify', true],
  ['npx core-runtime dev', false],
  ['in a container `docker exec <name> core-runtime top`', false],
  ['apt install core-runtime developer', false],
  ['cd core-runtime && npm ci', false],
  ['/opt/core-runtime dev', false],
] as const) {
  test(`${isBare ? 'a bare command is found' : 'no bare command is found'} in: ${text}`, t => {
    t.is(bareCommand.test(text), isBare);
  });
}

test('a command that a document names is one that works where the package is installed: npx core-runtime', t => {
  // The changelog and the decisions tell of the past.
  const documents = listed('**/*.md').filter(document => !/^docs\/adr\/|^CHANGELOG\.md$/.test(document));
  for (const document of documents) {
    // In an image it is a command: what a Dockerfile or a manifest says is not typed.
    const typed = read(document).replaceAll(/^```(?:dockerfile|ya?ml)\n[\s\S]*?^```/gm, '');
    for (const line of typed.split('\n')) t.notRegex(line, bareCommand, document);
  }
});

test('every script that the README names exists', t => {
  const {scripts} = JSON.parse(read('package.json'));
  const named = [...read('README.md').matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+|check|coverage|bench)\b/g)].map(
    ([, name = '']) => name,
  );
  t.true(named.length >= 5);
  for (const name of named) t.true(name in scripts, name);
});
