import {join} from 'node:path';
import test from 'ava';
import {functionFile, startBridge} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {projectFile} from '../helpers/core.ts';
import {fetchSuite} from '../helpers/fetch-suite.ts';
import {works} from '../helpers/installed.ts';

// The Node bridge on every version beside the project's own. They are looked for in the folder CORE_TEST_NODES, as node-8, node-10 …

const nodeMajors = [8, 10, 12, 14, 16, 18, 20, 22, 24];
/** Each version is asked on the channel, the first and the last in the other way too; CORE_TEST_MATRIX=whole asks each both ways. */
const overHttp = new Set(process.env.CORE_TEST_MATRIX === 'whole' ? nodeMajors : [8, 24]);

for (const major of nodeMajors) {
  const folder = process.env.CORE_TEST_NODES;
  const binary = folder === undefined ? undefined : works(join(folder, `node-${major}`));
  if (binary === undefined) {
    const reason = folder === undefined ? 'CORE_TEST_NODES is not set' : `${folder} has no node-${major} that runs`;
    test.skip(`node ${major}: ${reason}`, () => {});
    continue;
  }
  for (const hop of overHttp.has(major) ? (['channel', 'http'] as const) : (['channel'] as const)) {
    bridgeSuite({
      title: `node ${major}`,
      binary,
      bridge: projectFile('runtimes/node/bridge.cjs'),
      handlers: projectFile('test/fixtures/functions/node/handlers'),
      extension: 'js',
      brokenText: 'exports.handle = () => {\n',
      tags: true,
      hop,
    });
    if (major >= 18 && hop === 'channel') fetchSuite({title: `node ${major}`, binary, hop});
  }
  if (major < 18) {
    test.serial(`node ${major}: a handler with fetch() is refused, with what it needs`, async t => {
      const path = await functionFile(t, 'handler.cjs', 'exports.default = {fetch() {}};');
      const b = await startBridge(t, {binary, bridge: projectFile('runtimes/node/bridge.cjs'), path, hop: 'channel'});
      const error = /takes a Request, which exists in Node 18 and later; this is Node\.js \d+/;
      t.regex(String((b.records[0] as {error: string}).error), error);
    });
  }
}
