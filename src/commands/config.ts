import {parseArgs} from 'node:util';
import {triggers} from '../../triggers/index.ts';
import {ConfigurationError} from '../errors.ts';
import {readKey} from '../serve/keys.ts';
import {joinSettings, parseConfig} from '../settings/config.ts';
import {checkNames} from '../settings/environment.ts';
import {groups} from '../settings/groups.ts';
import {type Environment, givenText, parseSettings, parseText, type Setting, type Settings} from '../settings/setting.ts';
import {exit} from './exit.ts';

export interface SettingReport {
  readonly name: string;
  /** As a person would write it; null when there is none, `(hidden)` when it is secret. */
  readonly value: string | null;
  readonly source: 'environment' | 'default' | 'unset';
  readonly doc: string;
}

/** Prints every setting: for people, as JSON lines, or as the table of the README. Exit code 78 when one is bad. */
export async function config(args: string[], env: Environment): Promise<void> {
  const {values} = parseArgs({args, options: {json: {type: 'boolean'}, markdown: {type: 'boolean'}}});
  const table = joinSettings(triggers);
  const reports = Object.values(table).map(entry => report(entry, env));
  if (values.markdown) process.stdout.write(settingsTable(table));
  else if (values.json) for (const each of reports) console.log(JSON.stringify(each));
  else for (const {name, value, source} of reports) console.log(`${name.padEnd(26)} ${(value ?? '').padEnd(24)} ${source}`);
  try {
    parseSettings(table, env);
    for (const warning of checkNames(table, env)) console.error(`core-runtime: ${warning}`);
    const {isPublic, publicKey} = parseConfig(env);
    if (!isPublic && publicKey !== undefined) readKey(publicKey);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const problem of error.problems) console.error(`core-runtime: ${problem}`);
    process.exitCode = exit.misconfigured;
  }
}

function report(entry: Setting<unknown>, env: Environment): SettingReport {
  const given = givenText(entry, env);
  const {name, doc, secret, fallback} = entry;
  if (given !== undefined) return {name, value: secret ? '(hidden)' : effective(entry, given), source: 'environment', doc};
  return {name, value: fallback || null, source: fallback ? 'default' : 'unset', doc};
}

/** A word that only counts when it is exactly the right one is shown as what it means. */
function effective({schema}: Setting<unknown>, given: string): string {
  const value = parseText(schema, given);
  return typeof value === 'boolean' ? String(value) : given;
}

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
