import {readFileSync, writeFileSync} from 'node:fs';
import {settingsTable} from '../src/commands/config.ts';
import {commandsTable, exitTable} from '../src/commands/help.ts';
import {loadCommands} from '../src/commands/index.ts';
import {enginesTable} from '../src/journals/index.ts';
import {joinSettings} from '../src/settings/config.ts';
import {triggers} from '../triggers/index.ts';
import {errorsTables, refusalsTable} from './errors.ts';
import {pagesTable} from './pages.ts';
import {operatorRules} from './rules.ts';

const commands = await loadCommands();

/** What `npm run docs` writes: the text between `<!-- mark: … -->` and `<!-- /mark -->` of a document. */
export const generated: readonly {readonly document: string; readonly mark: string; readonly write: () => string}[] = [
  {document: 'README.md', mark: 'settings', write: () => settingsTable(joinSettings(triggers))},
  {document: 'README.md', mark: 'commands', write: () => commandsTable(commands)},
  {document: 'docs/operations.md', mark: 'exit-codes', write: exitTable},
  {document: 'docs/errors.md', mark: 'faults', write: errorsTables},
  {document: 'docs/errors.md', mark: 'refusals', write: refusalsTable},
  {document: 'docs/journal.md', mark: 'engines', write: enginesTable},
  {document: 'docs/private-listener.md', mark: 'pages', write: pagesTable},
  {document: 'deploy/kubernetes/alerts/rules.yaml', mark: 'alerts', write: operatorRules},
];

/**
The document with another text between its marks.

@throws Error when the document has lost its marks
*/
export function withPart(document: string, mark: string, part: string): string {
  const marks = new RegExp(`(<!-- ${mark}: .* -->\n)[\\s\\S]*(<!-- /${mark} -->)`);
  if (!marks.test(document)) throw new Error(`Expected the marks of \`${mark}\` in the document, found none`);
  return document.replace(marks, (_, before: string, after: string) => before + part + after);
}

if (import.meta.main) {
  for (const {document, mark, write} of generated) {
    const file = new URL(`../${document}`, import.meta.url);
    writeFileSync(file, withPart(readFileSync(file, 'utf8'), mark, write()));
  }
}
