import {readFileSync, writeFileSync} from 'node:fs';
import {settingsTable} from '../src/commands/config.ts';
import {joinSettings} from '../src/settings/config.ts';
import {triggers} from '../triggers/index.ts';

const readme = new URL('../README.md', import.meta.url);

/** The README with the settings table between its marks. */
export function withSettings(text: string): string {
  const marks = /(<!-- settings: .* -->\n)[\s\S]*(<!-- \/settings -->)/;
  if (!marks.test(text)) throw new Error('The README has lost the marks around its settings table');
  return text.replace(marks, (_, before: string, after: string) => before + settingsTable(joinSettings(triggers)) + after);
}

if (import.meta.main) writeFileSync(readme, withSettings(readFileSync(readme, 'utf8')));
