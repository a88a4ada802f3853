import {readFileSync} from 'node:fs';
import test from 'ava';
import {withSettings} from '../docs/generate.ts';
import {projectFile} from './helpers/core.ts';

const read = (path: string) => readFileSync(projectFile(path), 'utf8');

test('a README without the marks is refused', t => {
  t.throws(() => withSettings('# nothing'), {message: /marks/});
});

test('the README’s settings table is what the schema says (npm run docs writes it)', t => {
  t.is(withSettings(read('README.md')), read('README.md'));
});

test('every link of the documents leads to a file', async t => {
  const {existsSync} = await import('node:fs');
  for (const document of [
    'README.md',
    'CHANGELOG.md',
    'docs/cron.md',
    'docs/deploy.md',
    'docs/differences.md',
    'docs/journal.md',
    'examples/06-cron/README.md',
  ]) {
    for (const [, link = ''] of read(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      t.true(existsSync(new URL(link, `file://${projectFile(document)}`)), `${document} links to ${link}`);
    }
  }
});

test('every script that the README names exists', t => {
  const {scripts} = JSON.parse(read('package.json'));
  const named = [...read('README.md').matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+|check|coverage|bench)\b/g)].map(
    ([, name = '']) => name,
  );
  t.true(named.length >= 5);
  for (const name of named) t.true(name in scripts, name);
});
