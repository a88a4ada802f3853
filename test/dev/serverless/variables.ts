import test from 'ava';
import {resolveVariables} from '../../../src/dev/serverless/variables.ts';

/** Writes «…» for the braces of a variable. */
const resolve = (text: string, env: Record<string, string> = {}) => {
  const write = (given: unknown): unknown => JSON.parse(JSON.stringify(given).replaceAll('«', '$'.concat('{')).replaceAll('»', '}'));
  return resolveVariables(write(text) as string, {env, manifest: write(manifest)});
};

const manifest = {
  service: 'shop',
  provider: {stage: '«opt:stage, "test"»', names: ['first', 'second']},
  custom: {a: '«self:custom.b»', b: '«self:custom.a»', grows: '«self:custom.grows»«self:custom.grows»', map: {}},
};

for (const [text, problem] of [
  ['«env:MISSING»', /MISSING is not set/],
  ['a «env:MISSING» b', /MISSING is not set/],
  ['«env:MISSING, env:OTHER»', /MISSING is not set/],
  ['«self:custom.nothing»', /no single value at custom\.nothing/],
  ['«self:custom.map»', /no single value at custom\.map/],
  ['«self:constructor»', /no single value at constructor/],
  ['«opt:stage»', /`opt:stage` has no fallback/],
  ['«ssm:/path»', /`ssm:\/path` cannot be read here/],
  ['«file(a.yml):b»', /`file\(a\.yml\):b` cannot be read here/],
  ['«file(a.yml)»', /`file\(a\.yml\)` cannot be read here/],
  ['«self:custom.a»', /refers to itself/],
  ['«self:custom.grows»', /refers to itself, or grows without end/],
] as const) {
  test(`${text} has no value, and the reason is named`, t => {
    const resolved = resolve(text);
    t.regex('problem' in resolved ? resolved.problem : '', problem);
  });
}

for (const [text, expected] of [
  ['plain', 'plain'],
  ['«env:A»', 'one'],
  ['«env:A»-«env:B»', 'one-two'],
  ['« env:A »', 'one'],
  ['«env:EMPTY»', ''],
  ["«env:MISSING, 'a, b'»", 'a, b'],
  ['«env:MISSING, env:B»', 'two'],
  ['«env:MISSING, 30»', '30'],
  ['«opt:stage, self:provider.stage, "x"»', 'test'],
  ['«self:service»-«sls:stage»', 'shop-dev'],
  ['«self:provider.names.1»', 'second'],
  ['«env:«env:NAME»»', 'one'],
  ["«file(a.yml):b, 'c'»", 'c'],
  ['«A»', '$'.concat('{A}')],
  ['«env:CODE»', '$'.concat('{env:A}')],
] as const) {
  test(`${text} is \`${expected}\``, t => {
    t.deepEqual(resolve(text, {A: 'one', B: 'two', EMPTY: '', NAME: 'A', CODE: '$'.concat('{env:A}')}), {text: expected});
  });
}
