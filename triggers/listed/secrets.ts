import {readBounded} from '../../src/bounded-file.ts';
import {ConfigurationError} from '../../src/errors.ts';
import type {Environment} from '../../src/settings/setting.ts';
import type {Entry} from './entries.ts';

const mostBytes = 2 ** 20;

/**
The members of an entry, with the secrets that they name: `{"env": "NAME"}` stands for the value of a variable, and
`{"file": "path"}` for the text of a file without the newline at its end. So the list holds no secret itself.

@throws ConfigurationError that names the member
*/
export function fillSecrets({name, options}: Entry, env: Environment): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([member, value]) => [member, filled(value)] as const));

  function filled(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const [[kind, place] = [], ...more] = Object.entries(value);
    if (more.length > 0 || typeof place !== 'string') return value;
    if (kind === 'env') return env[place] ?? refuse(`there is no variable \`${place}\``);
    return kind === 'file' ? read(place) : value;
  }

  function read(file: string): string {
    try {
      return readBounded(file, mostBytes).replace(/\r?\n$/, '');
    } catch (error) {
      return refuse(`\`${file}\` cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  function refuse(problem: string): never {
    throw new ConfigurationError([`CORE_TRIGGERS: trigger \`${name}\`: ${problem}`]);
  }
}
