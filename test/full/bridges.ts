import {spawnSync} from 'node:child_process';
import {globSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {functionFile, startBridge} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {pythonImportsSuite} from '../helpers/python-imports-suite.ts';
import {pythonProcessesSuite} from '../helpers/python-processes-suite.ts';
import {pythonResultsSuite} from '../helpers/python-results-suite.ts';
import {pythonSignalsSuite} from '../helpers/python-signals-suite.ts';

// Every bridge on every version of its language that this machine has. Node versions beside the project's own are
// looked for in the folder CORE_TEST_NODES, as node-8, node-10 …

const root = fileURLToPath(new URL('../../', import.meta.url));
const nodeMajors = [8, 10, 12, 14, 16, 18, 20, 22, 24];
const asyncHandler = `import asyncio
both = asyncio.Event()
arrived = []
async def task(event):
    await asyncio.sleep(0.01)
    print("task of " + event)
async def handle(event, context):
    asyncio.ensure_future(task(event))
    arrived.append(event)
    if len(arrived) == 2:
        both.set()
    await both.wait()
    print("call of " + event)
    raise ValueError("end of " + event)
`;
const pythonVersions = ['2.7', ...Array.from({length: 8}, (_, index) => `3.${index + 6}`)];

for (const major of nodeMajors) {
  const folder = process.env.CORE_TEST_NODES;
  const binary = folder === undefined ? undefined : works(path.join(folder, `node-${major}`));
  if (binary === undefined) {
    const reason = folder === undefined ? 'CORE_TEST_NODES is not set' : `${folder} has no node-${major} that runs`;
    test.skip(`node ${major}: ${reason}`, () => {});
    continue;
  }
  for (const hop of ['channel', 'http'] as const) {
    bridgeSuite({
      title: `node ${major}`,
      binary,
      bridge: path.join(root, 'runtimes/node/bridge.cjs'),
      handlers: path.join(root, 'test/fixtures/functions/node/handlers'),
      extension: 'js',
      brokenText: 'exports.handle = () => {\n',
      tags: true,
      hop,
    });
  }
}

for (const version of pythonVersions) {
  const installed = globSync(path.join(os.homedir(), `.pyenv/versions/${version}.*/bin/python`));
  const binary = [...installed, `python${version}`].find(works);
  if (binary === undefined) {
    test.skip(`python ${version}: neither pyenv nor PATH has one that runs`, () => {});
    continue;
  }
  for (const hop of ['http', 'channel'] as const)
    bridgeSuite({
      title: `python ${version}`,
      hop,
      binary,
      bridge: path.join(root, 'runtimes/python/bridge.py'),
      handlers: path.join(root, 'test/fixtures/functions/python/handlers'),
      extension: 'py',
      brokenText: 'def handle(event, context)\n',
      tags: true,
    });
  const python = {title: `python ${version}`, binary, isThree: version !== '2.7'};
  pythonProcessesSuite(python);
  pythonSignalsSuite(python);
  pythonImportsSuite(python);
  pythonResultsSuite(python);
  if (version !== '2.7') tagsAsyncCalls(version, binary);
}

/** What older versions have instead of contextvars must do the same. */
function tagsAsyncCalls(version: string, binary: string): void {
  test.serial(`python ${version}: what async calls and their tasks print is tagged, and so is a failure`, async t => {
    const file = await functionFile(t, 'handler.py', asyncHandler);
    const b = await startBridge(t, {binary, bridge: path.join(root, 'runtimes/python/bridge.py'), path: file});
    await Promise.all(['a', 'b'].map(id => b.call(id, {invocationId: id})));
    await b.until(() => b.logs.filter(log => log.line.startsWith('task of')).length === 2);
    for (const id of ['a', 'b']) {
      const lines = b.logs.filter(log => log.invocationId === id).map(log => log.line);
      for (const wanted of [`call of ${id}`, `task of ${id}`, `ValueError: end of ${id}`]) t.true(lines.includes(wanted), wanted);
    }
    t.true(b.logs.every(log => log.invocationId !== undefined));
  });
}

/** The program itself when it starts; a shim of a version manager may be there and still refuse. */
function works(binary: string): string | undefined {
  return spawnSync(binary, ['--version']).status === 0 ? binary : undefined;
}
