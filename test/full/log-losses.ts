import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile} from '../helpers/core.ts';
import {ask} from '../helpers/request.ts';
import {metric, metricIs, serve} from '../helpers/supervision.ts';

/*
20,000 lines of 600 bytes in one loop: more than any pipe or buffer holds. All arrive, or each that does not is counted.
*/

const lines = 20_000;
const node = (write: string) => `const text = 'x'.repeat(590);
exports.handle = event => {
  if (event.path === '/write') for (let line = 0; line < ${lines}; line++) ${write};
  return {body: {pid: process.pid}};
};`;
const python = `import sys
def handle(event, context):
    if event["path"] == "/write":
        for line in range(${lines}):
            print("%s %d" % ("x" * 590, line))
    return {"body": "written"}
`;
const php = `<?php
function handle($event, $context) {
    if ($event['path'] === '/write') {
        for ($line = 0; $line < ${lines}; $line++) {
            echo str_repeat('x', 590), " $line\\n";
        }
    }
    return ['body' => 'written'];
}
`;
const cases: [title: string, file: string, text: string, env: Record<string, string>][] = [
  ['Node', 'handler.cjs', node('console.log(text, line)'), {}],
  ['Node, on its error output', 'handler.cjs', node('console.error(text, line)'), {}],
  [
    'a foreign sub-runtime, on its own output',
    'handler.cjs',
    node("require('fs').writeSync(1, text + line + '\\n')"),
    {SCW_RUNTIME_BRIDGE: projectFile('test/fixtures/silent-bridge.cjs')},
  ],
  ['Node, in one of two core processes', 'handler.cjs', node('console.log(text, line)'), {CORE_PROCESSES: '2'}],
  ['Python', 'handler.py', python, {}],
  ['PHP', 'handler.php', php, {}],
];

for (const [title, file, text, env] of cases) {
  test(`no line is lost uncounted: ${title}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'lines-'));
    t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
    await writeFile(join(folder, file), text);
    const core = await serve(t, 'mirror.cjs', {SCW_HANDLER_PATH: join(folder, file), ...env});
    if (env.CORE_PROCESSES) await metricIs(core, 'core_runtime_up', 2);
    t.is((await ask(`${core.url}/write`)).status, 200);
    const arrived = () => core.logs.filter(({source, msg}) => source === 'function' && msg.startsWith('xxx')).length;
    let known = 0;
    while (known < lines) known = arrived() + (await metric(core, 'core_log_lines_dropped_total')); // losses are told once a second
    t.is(known, lines);
    t.false(core.logs.some(({msg}) => /nobody read them/.test(msg)));
  });
}
