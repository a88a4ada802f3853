import path from 'node:path';
import test from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {nodeBridge, startNode} from '../helpers/node-bridge.ts';

// What a handler file finds when it asks what it is, and what becomes of the processes and threads that it starts.

const programs: Record<string, [file: string, text: string]> = {
  'an ES module that compares argv[1] with its own path': [
    'handler.mjs',
    `import {fileURLToPath} from 'node:url';
    if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(7);
    export const handle = () => [process.argv.slice(1), import.meta.main ?? false];`,
  ],
  'a CommonJS module that compares require.main with itself': [
    'handler.cjs',
    `if (require.main === module || process.mainModule === module || process.argv[1] === __filename) process.exit(7);
    exports.handle = () => [process.argv.slice(1), false];`,
  ],
  'TypeScript that compares argv[1] with its own path': [
    'handler.ts',
    `import {fileURLToPath} from 'node:url';
    if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(7);
    export const handle = (event: unknown) => [process.argv.slice(1), import.meta.main ?? false];`,
  ],
};

for (const [kind, [file, text]] of Object.entries(programs)) {
  test.serial(`node: the handler is not the program: ${kind}`, async t => {
    const b = await startNode(t, await functionFile(t, file, text));
    t.deepEqual(JSON.parse((await b.call({})).text), [[nodeBridge], false]);
  });
}

test.serial('node: the working directory is that of the process that started the bridge', async t => {
  const file = await functionFile(t, 'handler.cjs', 'exports.handle = () => [process.cwd(), __dirname];');
  const b = await startNode(t, file);
  t.deepEqual(JSON.parse((await b.call({})).text), [process.cwd(), path.dirname(file)]);
});

test.serial('node: a program that the handler starts has no descriptor of the bridge', async t => {
  const file = await functionFile(
    t,
    'handler.cjs',
    `const {execFileSync, spawnSync} = require('node:child_process');
    exports.handle = () => [
      execFileSync('ls', ['-l', '/proc/self/fd'], {encoding: 'utf8'}),
      spawnSync('ls', ['-l', '/proc/self/fd'], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']}).stdout,
    ];`,
  );
  const b = await startNode(t, file);
  for (const listed of JSON.parse((await b.call({})).text)) t.notRegex(listed, / [34] -> socket/);
});

test.serial(
  'node: a forked child runs its own file, has no descriptor of the bridge, ends by a signal, and the bridge serves on',
  async t => {
    const file = await functionFile(
      t,
      'handler.cjs',
      `const {fork} = require('node:child_process');
    if (process.send) {
      process.send({argv: process.argv[1], core: Object.keys(process.env).filter(name => name.startsWith('CORE_'))});
      setInterval(() => {}, 1000);
    }
    exports.handle = () => new Promise(resolve => {
      const child = fork(__filename);
      let said;
      child.on('message', message => { said = message; child.kill('SIGTERM'); });
      child.on('exit', (code, signal) => resolve({...said, code, signal}));
    });`,
    );
    const b = await startNode(t, file);
    for (let i = 0; i < 2; i++) {
      t.deepEqual(JSON.parse((await b.call({})).text), {argv: file, core: [], code: null, signal: 'SIGTERM'});
    }
  },
);

for (const [kind, name, text] of [
  ['CommonJS', 'handler.cjs', "const cluster = require('node:cluster');\nexports.handle = handle;"],
  ['an ES module', 'handler.mjs', "import cluster from 'node:cluster';\nexport {handle};"],
] as const) {
  test.serial(`node: a worker of a cluster runs the handler file and never serves: ${kind}`, async t => {
    const file = await functionFile(
      t,
      name,
      `${text}
      if (cluster.isWorker) {
        process.on('message', () => process.send({pid: process.pid}));
        process.send('loaded');
      }
      let listens = false;
      cluster.on('listening', () => { listens = true; });
      function handle(event) {
        if (event === 'pid') return process.pid;
        return new Promise(resolve => {
          const worker = cluster.fork();
          worker.on('message', message => {
            if (message === 'loaded') setTimeout(() => worker.send('who'), 100); // until then it could begin to listen
            else { worker.kill('SIGTERM'); worker.on('exit', () => resolve({ofWorker: message.pid, listens})); }
          });
        });
      }`,
    );
    const b = await startNode(t, file);
    const {ofWorker, listens} = JSON.parse((await b.call({})).text);
    t.not(ofWorker, b.child.pid);
    t.false(listens);
    t.is((await b.call('pid')).text, String(b.child.pid));
    t.is(b.output.stderr, '');
  });
}

test.serial('node: a thread that runs the handler file, or the program again, never serves, and the bridge serves on', async t => {
  const file = await functionFile(
    t,
    'handler.cjs',
    `const {Worker, isMainThread, parentPort} = require('node:worker_threads');
    if (!isMainThread) parentPort.postMessage(process.argv[1]);
    exports.handle = event => isMainThread && event === 'ask' ? 'main' : new Promise((resolve, reject) => {
      const worker = new Worker(event);
      worker.on('message', message => setTimeout(() => worker.terminate().then(() => resolve(message)), 50));
      worker.on('error', reject);
    });`,
  );
  const b = await startNode(t, file);
  for (const program of [file, nodeBridge]) t.is((await b.call(program)).status, 200, program);
  t.is((await b.call('ask')).text, '"main"');
  t.is(b.records.filter(record => Object.hasOwn(Object(record), 'loaded')).length, 1);
  t.is(b.output.stderr, '');
});

test.serial('node: a thread sees no descriptor of the bridge in its environment', async t => {
  const file = await functionFile(
    t,
    'handler.cjs',
    `const {Worker, isMainThread, parentPort} = require('node:worker_threads');
    if (!isMainThread) parentPort.postMessage(Object.keys(process.env).filter(name => name.startsWith('CORE_')));
    exports.handle = () => new Promise(resolve => new Worker(__filename).on('message', resolve));`,
  );
  t.is((await (await startNode(t, file)).call({})).text, '[]');
});
