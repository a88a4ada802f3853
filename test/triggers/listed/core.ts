import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {projectFile, startCore} from '../../helpers/core.ts';
import {freePort} from '../../helpers/port.ts';
import {ask} from '../../helpers/request.ts';

const folder = mkdtempSync(join(tmpdir(), 'listed-core-'));
test.after.always(() => rmSync(folder, {recursive: true}));

/** The settings of a core with a trigger whose `open` runs this code. */
function envWith(name: string, code: string): Record<string, string> {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import {existsSync} from 'node:fs';
    export const trigger = {contract: 1, read: () => ({}), async open(_, house) { ${code} return {async [Symbol.asyncDispose]() {}}; }};`,
  );
  return {
    SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror'),
    SCW_PUBLIC: 'true',
    CORE_TRIGGERS: JSON.stringify([{type: file, name}]),
  };
}

for (const [name, code, field] of [
  ['rejects', 'Promise.reject(new Error("no broker"));', 'rejects'],
  ['throws', 'house.clock.after(1, () => { throw new Error("no broker"); });', 'throws'],
  ['says-nothing', 'Promise.reject("no broker");', 'unknown; perhaps says-nothing'],
] as const) {
  test(`the error of a trigger that ${name} where nothing catches ends the core, and is said to be its own`, async t => {
    const go = join(folder, `${name}.go`);
    const later = `(async () => { while (!existsSync(${JSON.stringify(go)})) await house.clock.sleep(10); ${code} })();`;
    const core = await startCore(envWith(name, later), t);
    writeFileSync(go, '');
    t.is(await core.exited, 1);
    const line = core.logs.find(({msg}) => msg === 'A trigger threw an error that nothing catches: draining, then exit');
    t.is(line?.trigger, field);
    t.regex(String(line?.stack), /no broker/);
  });
}

test('the core is not ready until every trigger is open', async t => {
  const go = join(folder, 'waits.go');
  const port = await freePort();
  const env = {
    ...envWith('waits', `while (!existsSync(${JSON.stringify(go)})) await house.clock.sleep(10);`),
    CORE_ADMIN_PORT: String(port),
  };
  const starting = startCore(env, t);
  let isOver = false;
  starting.finally(() => (isOver = true)).catch(() => {});
  const seen = new Set<string>();
  const isSaid = async () => {
    const answer = await ask(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer) seen.add(`${answer.status} ${answer.text()}`);
    return seen.has('503 {"ready":false,"phase":"booting","cause":"the triggers are not open yet"}');
  };
  while (!isOver && !(await isSaid())) await new Promise(setImmediate);
  t.false(existsSync(go));
  writeFileSync(go, '');
  await starting;
  t.false([...seen].some(each => each.startsWith('200')));
  t.is((await ask(`http://127.0.0.1:${port}/readyz`)).status, 200);
});
