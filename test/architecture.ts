import {readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import test from 'ava';
import {projectFile} from './helpers/core.ts';

/*
Who may import whom. A file may import what stands on a lower level, and its own folder; each package has one door;
nothing imports in a circle.
*/

const root = projectFile('.');

/** The first pattern that fits tells the level. */
const levels: readonly (readonly [RegExp, number])[] = [
  [/^src\/(cli|entrypoint|sibling|beside)\.ts$|^src\/(serve|admin|commands|conform|dev|replay|token|invoke|init)\//, 4],
  [/^src\/observe\/traces\/(telemetry|processor|exporters|queue)\.ts$/, 4],
  [/^(middleware|triggers|protocols|runtimes)\//, 3],
  // What an engine declares stands with the contracts: settings read it. Its code is loaded late.
  [/^src\/journals\/((index|engine|payload|cloud-event)\.ts$|[^/]+\/(index|place)\.ts$)/, 1],
  [/^src\/(workers|journals|projections|observe)\/|^src\/(http\/key-set|work\/callback)\//, 2],
  [/^src\/([^/]+\.ts$|(settings|http|hop|limits|command|work|messages)\/)/, 1],
];

/** Which files may import a package or a module of Node. */
const doors: Readonly<Record<string, RegExp>> = {
  croner: /^triggers\/cron\/calendar\.ts$/,
  koa: /^triggers\/http\/index\.ts$|^src\/admin\/handle\.ts$/,
  'koa-compose': /^middleware\/index\.ts$/,
  jsonwebtoken: /^middleware\/auth\.ts$/,
  undici: /^src\/workers\/hop\/http\.ts$/,
  got: /^src\/http\/outbound\.ts$/,
  'prom-client': /^src\/observe\/metrics\//,
  pino: /^src\/observe\/log\.ts$/,
  valibot: /^src\/settings\/(setting|config)\.ts$/,
  '@opentelemetry/api': /^src\/observe\/traces\/(recorded|extract|describe|recorder|sampler|queue|otlp|sdk-log)\.ts$/,
  '@opentelemetry/sdk-node': /^src\/observe\/traces\/telemetry\.ts$/,
  '@opentelemetry/resources': /^src\/observe\/traces\/telemetry\.ts$/,
  '@opentelemetry/sdk-trace': /^src\/observe\/traces\/(processor|exporters|queue|sampler|recorder|otlp)\.ts$/,
  '@opentelemetry/otlp-exporter-base': /^src\/observe\/traces\/exporters\.ts$/,
  '@opentelemetry/otlp-transformer': /^src\/observe\/traces\/(exporters|otlp)\.ts$/,
  '@opentelemetry/exporter-zipkin': /^src\/observe\/traces\/exporters\.ts$/,
  '@opentelemetry/core': /^src\/observe\/traces\/queue\.ts$/,
  '@opentelemetry/otlp-grpc-exporter-base': /^src\/observe\/traces\/exporters\.ts$/,
  '@opentelemetry/instrumentation-http': /^src\/observe\/traces\/telemetry\.ts$/,
  'node:child_process':
    /^src\/workers\/process\/(group|orphans)\.ts$|^src\/dev\/(browser|interpreter|several\/(fork|member|follow)|serverless\/probe)\.ts$|^src\/serve\/siblings\/(fork|process)\.ts$|^src\/conform\/channel\/program\.ts$/,
  amqplib: /^triggers\/amqp\/(queue|connection|acks|spare|copy|read)\.ts$/,
  mqtt: /^triggers\/mqtt\/(topic|dead-letter|read)\.ts$/,
  yaml: /^src\/(dev\/serverless\/document|settings\/yaml-text)\.ts$/,
  '@nats-io/transport-node': /^src\/journals\/nats\/(client|connect)\.ts$|^triggers\/nats\//,
  '@nats-io/jetstream': /^triggers\/nats\/stream\.ts$/,
  '@aws-sdk/client-sqs': /^triggers\/sqs\//,
  '@platformatic/kafka': /^triggers\/kafka\//,
  'node:sqlite': /^src\/journals\/sqlite\//,
  pg: /^src\/journals\/postgres\/connection\.ts$/,
};

/** Words that only one file may say. */
const words: readonly (readonly [RegExp, RegExp])[] = [
  [/\bprocess\.env\b/, /^src\/(cli|entrypoint|sibling|beside)\.ts$/],
  [/^import (?!type\b)[^;]*from 'node:http'/m, /^nobody: src\/http\/node-http\.ts has it$/],
  // A command that is advised is called as this program was: by `npx`, or by its name.
  [
    /\bcore-runtime (<|--|(help|init|dev|start|invoke|token|config|top|ready|invocations|explain|facts|replay|journal|conform|fire|schedules)\b)/,
    /^src\/init\/languages\.ts$/,
  ],
  // It reads all that the global has, also what is costly to load: 15 ms of a start. The global itself does not.
  [/^import (?!type\b)[^;]*from 'node:process'/m, /^nobody: the global is there$/],
  [/(?<!\bsocket\.)\b(setTimeout|setInterval|setImmediate)\(|\bDate\.now\(|\bnew Date\(|\bperformance\.now\(/, /^src\/clock\.ts$/],
];

interface Source {
  readonly text: string;
  readonly imports: readonly string[];
  /** Those of them that are loaded late only. */
  readonly late: ReadonlySet<string>;
}

/** Leads to a file in plain JavaScript, for Nodes that refuse TypeScript. */
const link = join(root, 'src/main.ts');

function sourcesOf(...folders: string[]): Map<string, Source> {
  const files = folders.flatMap(folder => filesIn(join(root, folder))).filter(file => file.endsWith('.ts') && file !== link);
  return new Map(files.map(file => [relative(root, file), readSource(readFileSync(file, 'utf8'))]));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

function readSource(text: string): Source {
  const withoutComments = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const stated = withoutComments.matchAll(/^(?:import|export)\s+(?:type\s)?[^;'"]*?from\s+'([^']+)'/gm);
  const bare = withoutComments.matchAll(/^import\s+'([^']+)'/gm);
  const dynamic = withoutComments.matchAll(/\b(?:import|late)\('([^']+)'\)/g);
  const early = [...stated, ...bare].map(([, name = '']) => name);
  const late = [...dynamic].map(([, name = '']) => name);
  return {text: withoutComments, imports: [...early, ...late], late: new Set(late.filter(name => !early.includes(name)))};
}

const levelOf = (file: string) => levels.find(([pattern]) => pattern.test(file))?.[1];
const target = (file: string, name: string) => relative(root, join(root, dirname(file), name));
const folderOf = (file: string) =>
  file
    .split('/')
    .slice(0, file.startsWith('src/') ? 2 : 1)
    .join('/');

/** Every breach of the rules, as sentences. */
function breaches(sources: ReadonlyMap<string, Source>): string[] {
  const found: string[] = [];
  for (const [file, {text, imports, late}] of sources) {
    const level = levelOf(file);
    if (level === undefined) {
      found.push(`${file} stands on no level: name it in the table`);
      continue;
    }
    for (const name of imports) {
      const door = doors[name];
      if (door && !door.test(file)) found.push(`${file} imports ${name}; its door is ${door.source}`);
      const isOwnCode = late.has(name) && name.startsWith('./'); // of a folder's door
      if (name.startsWith('.') && !isOwnCode) found.push(...judgeImport(file, level, target(file, name)));
    }
    for (const [word, home] of words)
      if (word.test(text) && !home.test(file)) found.push(`${file} says ${word.source}; only ${home.source} may`);
  }
  return [...found, ...circles(sources)];
}

function judgeImport(file: string, level: number, imported: string): string[] {
  const importedLevel = levelOf(imported);
  if (importedLevel === undefined) return [`${file} imports ${imported}, which stands on no level`];
  if (folderOf(file) === folderOf(imported) && file.includes('/') && level >= 2) return [];
  // Only its composition root asks for the SDK; the spans decide when.
  const allowed = level === 4 || importedLevel <= 1 || imported === 'src/observe/traces/spans.ts';
  return allowed ? [] : [`${file} (level ${level}) imports ${imported} (level ${importedLevel})`];
}

/** Files that import one another in a circle; imports of types count, too. */
function circles(sources: ReadonlyMap<string, Source>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, path: readonly string[]) => {
    if (path.includes(file)) found.push(`circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file) || path.includes(file)) return;
    for (const name of sources.get(file)?.imports ?? []) {
      if (name.startsWith('.')) walk(target(file, name), [...path, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) walk(file, []);
  return found;
}

const inMemory = (files: Record<string, string>) => new Map(Object.entries(files).map(([file, text]) => [file, readSource(text)]));

for (const [title, files, expected] of [
  [
    'an engine that imports a plug-in',
    {'src/workers/pool/pool.ts': "import {a} from '../../../middleware/auth.ts';"},
    /level 2\) imports middleware\/auth\.ts/,
  ],
  ['a contract that imports an engine', {'src/stage.ts': "import {a} from './workers/pool/pool.ts';"}, /src\/stage\.ts \(level 1\)/],
  ['a stage that imports a trigger', {'middleware/auth.ts': "import {a} from '../triggers/http/index.ts';"}, /triggers\/http\/index\.ts/],
  ['a package behind another door', {'src/workers/pool/pool.ts': "import undici from 'undici';"}, /imports undici/],
  ['a package loaded late behind another door', {'src/workers/pool/pool.ts': "const a = late('undici');"}, /imports undici/],
  ['the environment read inside', {'src/serve/serve.ts': 'const a = process.env.A;'}, /process/],
  ['a timer of one’s own', {'src/workers/pool/pool.ts': 'setTimeout(() => {}, 1);'}, /setTimeout/],
  [
    'an engine’s code that is loaded with its declaration',
    {'src/journals/sqlite/index.ts': "import {a} from './journal.ts'; const b = import('./verify.ts');"},
    /sqlite\/index\.ts \(level 1\) imports src\/journals\/sqlite\/journal\.ts/,
  ],
  ['a circle', {'middleware/a.ts': "import {b} from './b.ts';", 'middleware/b.ts': "import {a} from './a.ts';"}, /circle: /],
  ['a file without a level', {'src/utils/strings.ts': ''}, /no level/],
  [
    'a circle of types',
    {'middleware/a.ts': "import type {b} from './b.ts';", 'middleware/b.ts': "import type {a} from './a.ts';"},
    /circle: /,
  ],
] as const) {
  test(`${title} is found`, t => {
    const found = breaches(inMemory(files));
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0] ?? '', expected);
  });
}

test('no file imports what it may not, and every package has one door', t => {
  const sources = sourcesOf('src', 'middleware', 'triggers', 'protocols', 'runtimes');
  t.true(sources.size > 40);
  t.deepEqual(breaches(sources), []);
});

test('the console imports its own files and the libraries that are served with it, and nothing else', t => {
  const names = new Set(['preact', 'preact/hooks', 'htm', 'uplot']);
  const files = filesIn(join(root, 'src/console')).filter(file => file.endsWith('.js'));
  t.true(files.length > 20);
  const foreign = files.flatMap(file => {
    const {imports} = readSource(readFileSync(file, 'utf8'));
    const isOwn = (name: string) => name.startsWith('.') && join(dirname(file), name).startsWith(join(root, 'src/console/'));
    return imports.filter(name => !isOwn(name) && !names.has(name)).map(name => `${relative(root, file)} imports ${name}`);
  });
  t.deepEqual(foreign, []);
  t.deepEqual(circles(new Map(files.map(file => [relative(root, file), readSource(readFileSync(file, 'utf8'))]))), []);
});

test('the page of the console asks at once for every module that it needs', t => {
  const page = readFileSync(join(root, 'src/console/index.html'), 'utf8');
  const asked = new Set([...page.matchAll(/(?:preload" href|module" src)="\.\/console\/([^"]+)"/g)].map(([, name = '']) => name));
  const needed = new Set<string>();
  const walk = (file: string) => {
    if (needed.has(file)) return;
    needed.add(file);
    const {imports, late} = readSource(readFileSync(join(root, 'src/console', file), 'utf8'));
    for (const name of imports) // what is loaded late is not needed for the first view
      if (name.startsWith('.') && !late.has(name)) walk(join(dirname(file), name));
  };
  walk('main.js');
  t.deepEqual([...asked].filter(name => !name.startsWith('lib/')).sort(), [...needed].sort());
});

/** The folders directly below one, as if each were a file that imports the others. */
function roomsOf(parent: string): Map<string, Source> {
  const rooms = new Map<string, Source>();
  const roomIn = (path: string) => new RegExp(`^${parent}/([^/]+)/`).exec(path)?.[1];
  for (const [file, {imports}] of sourcesOf(parent)) {
    const room = roomIn(file);
    if (room === undefined) continue;
    const others = imports
      .flatMap(name => (name.startsWith('.') ? (roomIn(target(file, name)) ?? []) : []))
      .filter(other => other !== room);
    rooms.set(`${parent}/${room}`, {
      text: '',
      late: new Set(),
      imports: [...(rooms.get(`${parent}/${room}`)?.imports ?? []), ...others.map(other => `./${other}`)],
    });
  }
  return rooms;
}

for (const parent of ['src/workers', 'src/observe']) {
  test(`the folders of ${parent} do not import one another in a circle`, t => {
    const rooms = roomsOf(parent);
    t.true(rooms.size > 1);
    t.deepEqual(circles(rooms), []);
  });
}

/** Most lines of a file. A table of data may be longer, and so may a bridge, which is one file by design. */
const mostLines = 200;
const tables = /^src\/settings\/config\.ts$|^src\/admin\/openapi\/answers\.ts$/;

test('a file is short enough to be read in one go', t => {
  const views = filesIn(join(root, 'src/console')).map(file => relative(root, file));
  const lengths = [
    ...sourcesOf('src', 'middleware', 'triggers', 'protocols', 'runtimes').keys(),
    ...views.filter(file => file.endsWith('.js')),
  ]
    .filter(file => !tables.test(file))
    .map(file => ({file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1}));
  t.deepEqual(
    lengths.filter(({lines}) => lines > mostLines),
    [],
  );
});
