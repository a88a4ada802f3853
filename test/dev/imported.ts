import path from 'node:path';
import test from 'ava';
import {withoutData} from '../../src/dev/imported.ts';
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
