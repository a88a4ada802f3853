import {globSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {functionFile, startBridge} from './bridge.ts';
import {bridgeSuite} from './bridge-suite.ts';
import {projectFile} from './core.ts';
import {works} from './installed.ts';
import {pythonAppsSuite} from './python-apps-suite.ts';
import {pythonImportsSuite} from './python-imports-suite.ts';
import {pythonProcessesSuite} from './python-processes-suite.ts';
import {pythonResultsSuite} from './python-results-suite.ts';
import {pythonSignalsSuite} from './python-signals-suite.ts';
import {pythonStreamsSuite} from './python-streams-suite.ts';

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

/*
The contract is asked of each version on the channel, and of the last over HTTP too; everything else of the first and the last.
CORE_TEST_MATRIX=whole asks everything of each version, both ways: eight minutes more on two cores.
*/
const isWhole = process.env.CORE_TEST_MATRIX === 'whole';
const last = '3.13';
const everything = new Set(['2.7', last]);

/** The Python bridge on one version, where this machine has it. */
export function pythonVersion(version: string): void {
  const installed = globSync(path.join(os.homedir(), `.pyenv/versions/${version}.*/bin/python`));
  const binary = [...installed, `python${version}`].find(works);
  if (binary === undefined) {
    test.skip(`python ${version}: neither pyenv nor PATH has one that runs`, () => {});
    return;
  }
  for (const hop of isWhole || version === last ? (['http', 'channel'] as const) : (['channel'] as const))
    bridgeSuite({
      title: `python ${version}`,
      hop,
      binary,
      bridge: projectFile('runtimes/python/bridge.py'),
      handlers: projectFile('test/fixtures/functions/python/handlers'),
      extension: 'py',
      brokenText: 'def handle(event, context)\n',
      tags: true,
    });
  const python = {
    title: `python ${version}`,
    binary,
    isThree: version !== '2.7',
    hops: isWhole ? (['http', 'channel'] as const) : (['channel'] as const),
  };
  if (version !== '2.7') tagsAsyncCalls(version, binary);
  if (!isWhole && !everything.has(version)) return;
  pythonProcessesSuite(python);
  pythonSignalsSuite(python);
  pythonImportsSuite(python);
  pythonResultsSuite(python);
  pythonStreamsSuite(python);
  pythonAppsSuite(python);
}

/** What older versions have instead of contextvars must do the same. */
function tagsAsyncCalls(version: string, binary: string): void {
  test.serial(`python ${version}: what async calls and their tasks print is tagged, and so is a failure`, async t => {
    const file = await functionFile(t, 'handler.py', asyncHandler);
    const b = await startBridge(t, {binary, bridge: projectFile('runtimes/python/bridge.py'), path: file});
    await Promise.all(['a', 'b'].map(id => b.call(id, {invocationId: id})));
    await b.until(() => b.logs.filter(log => log.line.startsWith('task of')).length === 2);
    for (const id of ['a', 'b']) {
      const lines = b.logs.filter(log => log.invocationId === id).map(log => log.line);
      for (const wanted of [`call of ${id}`, `task of ${id}`, `ValueError: end of ${id}`]) t.true(lines.includes(wanted), wanted);
    }
    t.true(b.logs.every(log => log.invocationId !== undefined));
  });
}
