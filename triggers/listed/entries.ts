import {ConfigurationError} from '../../src/errors.ts';
import {readJsonList} from '../../src/settings/json-list.ts';

/** One trigger of CORE_TRIGGERS. */
export interface Entry {
  /** The package that it comes from. */
  readonly type: string;
  /** By default its type. */
  readonly name: string;
  /** Its other members, for the package to read. */
  readonly options: Readonly<Record<string, unknown>>;
}

const mostEntries = 100;

/** Reads CORE_TRIGGERS. @throws ConfigurationError with every problem of every entry */
export function readEntries(text: string): readonly Entry[] {
  const problems: string[] = [];
  const list = readJsonList(text, {setting: 'CORE_TRIGGERS', things: 'triggers', most: mostEntries, orYaml: true});
  const entries = list.flatMap((given, index) => {
    const {type, name = type, ...options} = typeof given === 'object' && given !== null ? ({...given} as Record<string, unknown>) : {};
    if (typeof type !== 'string' || type === '') {
      problems.push(`trigger ${index + 1}: expected \`type\` to be the name of a package, got ${shownType(type, given)}`);
      return [];
    }
    if (typeof name !== 'string' || !/^[!-~]([ -~]{0,98}[!-~])?$/.test(name)) {
      problems.push(`trigger ${index + 1}: expected \`name\` to be 1 to 100 printable ASCII characters, got ${JSON.stringify(name)}`);
      return [];
    }
    return [{type, name, options}];
  });
  const names = entries.map(({name}) => name);
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
    problems.push(`expected every trigger to have a name of its own, got \`${name}\` ${names.filter(each => each === name).length} times`);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return entries;
}

/** Of an entry only the names of its members are shown: their values may be secrets. */
function shownType(type: unknown, given: unknown): string {
  const shown = type ?? given;
  if (typeof shown !== 'object' || shown === null) return JSON.stringify(shown);
  return `an object with ${Object.keys(shown).join(', ') || 'nothing'}`;
}
