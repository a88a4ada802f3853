import path from 'node:path';
import test from 'ava';
import {importsOutside, withoutData} from '../../src/dev/imported.ts';
import {folderWith} from '../helpers/folder.ts';

test('JSON that a function only reads and writes is left out; what code imports, and package.json, counts', async t => {
  const folder = await folderWith(t, {
    'a.js': `const a = require('./required'); import b from "../lib/imported.json" with {type: 'json'};
      await import(\`./late.json\`); export {c} from './exported.json'; fs.writeFileSync('list.json'); x = './data.json';`,
  });
  const at = (name: string) => path.join(folder, name);
  const names = ['list', 'data', 'required', 'lib/imported', 'late', 'exported', 'package'].map(name => at(`${name}.json`));
  const changed = [...names, at('a.js'), at('.env')];
  t.deepEqual(withoutData(changed, [at('a.js'), at('gone.js'), at('list.json')]), changed.slice(2));
  t.deepEqual(withoutData([at('list.json')], []), []);
});

test('files outside of a folder that code imports by path are found, and those that they import; packages are not', async t => {
  const root = await folderWith(t, {
    'fn/handler.js': `require('../lib/a'); require('./b'); require('lodash'); require('../nowhere'); import '../lib';`,
    'fn/b.js': '',
    'lib/a.js': `import {c} from './deep/c.mjs'; require('../fn/b')`,
    'lib/deep/c.mjs': `import '../a.js'`,
    'lib/index.ts': '',
    'lib/unused.js': '',
  });
  const found = importsOutside(path.join(root, 'fn'), [path.join(root, 'fn/handler.js'), path.join(root, 'fn/b.js')]);
  t.deepEqual(found.map(file => path.relative(root, file)).sort(), ['lib/a.js', 'lib/deep/c.mjs', 'lib/index.ts']);
});

test('a file with a very long run of spaces is looked into without delay', async t => {
  const folder = await folderWith(t, {'a.js': `import${' '.repeat(10 ** 6)}'./late.json'; from${' '.repeat(10 ** 4)}x`});
  const changed = [path.join(folder, 'late.json')];
  t.deepEqual(withoutData(changed, [path.join(folder, 'a.js')]), changed);
});
