import {triggers} from '../../triggers/index.ts';
import {flag, json} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {type Cell, printTable} from '../command/table.ts';
import {complain, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {readKey} from '../serve/keys.ts';
import {joinSettings, parseConfig} from '../settings/config.ts';
import {checkNames} from '../settings/environment.ts';
import {groups} from '../settings/groups.ts';
import {reportSetting, type SettingReport} from '../settings/report.ts';
import {parseSettings, type Setting, type Settings} from '../settings/setting.ts';

/** `core-runtime config`: what the environment means. Exit code 78 when a setting is bad. */
export const config = command({
  summary: 'Prints every setting, its value and where it came from.',
  options: {json, markdown: flag('Print the tables of the README instead.')},
  examples: {
    config: 'Print every setting of this environment.',
    'config --json': 'The same, one JSON object for each setting.',
  },
  checksSettings: false, // prints all of them first
  async run(given, env) {
    const table = joinSettings(triggers);
    const reports = Object.values(table).map(entry => reportSetting(entry, env));
    if (given.markdown) process.stdout.write(settingsTable(table));
    else if (given.json) for (const each of reports) printJson(each);
    else printTable(columns, reports.map(cellsOf));
    parseSettings(table, env);
    for (const warning of checkNames(table, env)) complain(warning);
    const {isPublic, publicKey} = parseConfig(env);
    if (!isPublic && publicKey !== undefined) readKey(publicKey);
    return exit.done;
  },
});

const columns = [{head: 'SETTING'}, {head: 'VALUE', width: 24}, {head: 'FROM'}];
const cellsOf = ({name, value, source}: SettingReport): Cell[] => [
  name,
  value ?? '',
  {text: source, style: source === 'environment' ? 'cyan' : 'dim'},
];

/** The README's tables, one for each group; a test compares both. */
export function settingsTable(table: Settings): string {
  const settings = Object.values(table);
  return Object.entries(groups)
    .map(([key, {title, introduction}]) => {
      const rows = settings.filter(({group}) => group === key).map(rowOf);
      return [`### ${title}`, '', introduction, '', '| variable | default | meaning |', '| --- | --- | --- |', ...rows, '', ''].join('\n');
    })
    .join('');
}

const rowOf = ({name, fallback, doc}: Setting<unknown>) => `| \`${name}\` | ${fallback ? `\`${fallback}\`` : '–'} | ${doc} |`;
