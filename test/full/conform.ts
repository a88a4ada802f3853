import {execFile, spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {conform, verdictsOf} from '../helpers/conform.ts';
import {projectFile} from '../helpers/core.ts';

// The everyday suite runs conform on sub-runtimes that are wrong.

const isInstalled = (program: string, ask = '--version') => spawnSync(program, [ask]).status === 0;

for (const [language, extension, binary, onChannel] of [
  ['node', 'cjs', process.execPath, 61],
  ['python', 'py', 'python3', 59],
  ['php', 'php', 'php', 56], // it runs one call after another, and answers no PING meanwhile
] as const) {
  (isInstalled(binary) ? test : test.skip)(`the bridge for ${language} passes every case`, async t => {
    const env = {SCW_HANDLER_PATH: projectFile(`runtimes/${language}/conform.${extension}`), SCW_HANDLER_NAME: 'handle'};
    const ended = await conform(['--json', '--', binary, projectFile(`runtimes/${language}/bridge.${extension}`)], env);
    t.deepEqual(
      verdictsOf(ended).filter(({verdict}) => verdict !== 'ok'),
      [],
      ended.stderr,
    );
    t.is(verdictsOf(ended).filter(({over}) => over === 'http').length, 29);
    t.is(verdictsOf(ended).filter(({over}) => over === 'channel').length, onChannel);
    t.is(ended.code, 0);
  });
}

test('bodies that are made wrongly are told, and a function that makes none is not asked about them', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'conform-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const text = readFileSync(projectFile('runtimes/node/conform.cjs'), 'utf8');
  const judge = async (changed: string) => {
    writeFileSync(join(folder, 'handler.cjs'), changed);
    const ended = await conform([
      '--json',
      '--handler',
      join(folder, 'handler.cjs'),
      '--',
      process.execPath,
      projectFile('runtimes/node/bridge.cjs'),
    ]);
    return verdictsOf(ended);
  };
  const wrong = await judge(
    text.replace('yield piece;', 'yield piece.slice(1);').replace('} finally {', '} finally {\n    line = undefined;'),
  );
  t.deepEqual(
    wrong.filter(({verdict}) => verdict === 'failed').map(each => each.case),
    [
      'a body that is made piece by piece leaves as it is made',
      'no piece of a body is made for which there is no credit, and the rest is made when there is',
      'a body that fails behind its beginning ends with FAILED',
      'a body that waits for credit ends when its call is cancelled, and the next call is served',
      'a body of which nothing comes for a while ends when its call is cancelled, and the next call is served',
      'a body that waits for credit holds up no other call',
    ],
  );
  const none = await judge(text.replace("case 'stream':", "case 'none':"));
  t.is(none.filter(({over}) => over === 'channel').length, 55);
  t.true(none.every(({verdict}) => verdict === 'ok'));
});
test('bodies that are read wrongly are told', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'conform-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  const bridge = readFileSync(projectFile('runtimes/node/bridge.cjs'), 'utf8');
  const detailOf = async (name: string, title: string, right: string, wrong: string) => {
    t.true(bridge.includes(right), right);
    writeFileSync(join(folder, name), bridge.replace(right, wrong));
    const env = {SCW_HANDLER_PATH: projectFile('runtimes/node/conform.cjs')};
    const verdicts = verdictsOf(await conform(['--json', '--', process.execPath, join(folder, name)], env));
    return verdicts.find(each => each.case === title)?.detail;
  };
  const credit = 'credit comes for what was read of a body, so that the rest can be sent, and for no more';
  const broken = 'a call whose body breaks off ends, and the next is served';
  const unread = 'no credit comes while nothing is read';
  const early = 'a reply may be made before the body was read whole, and what still comes of it is skipped';
  const [tooMuch, none, noEnd, eager, rest] = await Promise.all([
    detailOf('too-much.cjs', credit, 'grant(count)', 'grant(count + 300000)'),
    detailOf('none.cjs', credit, 'grant(count)', 'void count'),
    detailOf('no-end.cjs', broken, 'this.body.destroy(why === undefined ? undefined : new Error(why))', ''),
    detailOf('eager.cjs', unread, 'this.received = 0;', 'this.received = 0; setTimeout(() => grant(this.received), 50);'),
    detailOf('rest.cjs', early, 'if (feed !== undefined) feed.take', 'feed.take'),
  ]);
  t.regex(tooMuch ?? '', /CREDIT came for \d+ bytes of a body; \d+ were sent/);
  t.regex(none ?? '', /"credit":false/);
  t.regex(noEnd ?? '', /"ends":false/);
  t.regex(eager ?? '', /expected \{"credit":0\}/);
  t.regex(rest ?? '', /no reply came|closed the channel/);
});

(isInstalled('go', 'version') ? test : test.skip)('the library for Go passes every case', async t => {
  t.timeout(600_000, 'a first build compiles a standard library');
  const folder = mkdtempSync(join(tmpdir(), 'conform-'));
  t.teardown(() => rmSync(folder, {recursive: true, maxRetries: 5}));
  await promisify(execFile)('go', ['build', '-o', join(folder, 'conform'), './conform'], {cwd: projectFile('runtimes/go')});
  const ended = await conform(['--json', '--', join(folder, 'conform')]);
  t.deepEqual(
    verdictsOf(ended).filter(({verdict}) => verdict !== 'ok'),
    [],
    ended.stderr,
  );
  t.is(verdictsOf(ended).filter(({over}) => over === 'http').length, 26);
  t.is(verdictsOf(ended).filter(({over}) => over === 'channel').length, 59);
  t.is(ended.code, 0);
});

(isInstalled('cargo') ? test : test.skip)('the crate for Rust passes every case', async t => {
  t.timeout(600_000, 'a first build compiles every crate');
  const target = process.env.CARGO_TARGET_DIR ?? join(tmpdir(), 'core-runtime-rust-target');
  const build = ['build', '--release', '--example', 'conform', '--locked', '--quiet'];
  await promisify(execFile)('cargo', build, {cwd: projectFile('runtimes/rust'), env: {...process.env, CARGO_TARGET_DIR: target}});
  const ended = await conform(['--json', '--', join(target, 'release/examples/conform')]);
  t.deepEqual(
    verdictsOf(ended).filter(({verdict}) => verdict !== 'ok'),
    [],
    ended.stderr,
  );
  t.is(verdictsOf(ended).filter(({over}) => over === 'http').length, 26);
  const onChannel = verdictsOf(ended).filter(({over}) => over === 'channel');
  t.is(onChannel.length, 59); // with those about bodies that are made piece by piece
  t.true(onChannel.some(each => each.case?.startsWith('a body that is made piece by piece')));
  t.is(ended.code, 0);
});
