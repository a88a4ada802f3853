import {type Commands, type CommandTable, sections} from '../command/command.ts';
import type {Settings} from '../settings/setting.ts';

/**
Joins the commands of the core and of every trigger in one table, by section; in each, those of the core come first.

@throws TypeError when two of them have a command of one name, or one has a command that is called like a group
*/
export function joinCommands(
  own: CommandTable,
  triggers: Readonly<Record<string, {readonly settings: Settings; readonly commands?: CommandTable}>>,
): Commands {
  const all = [
    ['the core', own] as const,
    ...Object.entries(triggers).map(([name, {commands = {}}]) => [`the trigger ${name}`, commands] as const),
  ];
  const joined: Record<string, Commands[string]> = {};
  const owners = new Map<string, string>();
  for (const section of sections) {
    for (const [owner, table] of all) {
      for (const [name, load] of Object.entries(table[section] ?? {})) {
        const other = owners.get(name);
        if (other !== undefined) throw new TypeError(`Expected one command \`${name}\`, got one of ${other} and one of ${owner}`);
        owners.set(name, owner);
        joined[name] = load;
      }
    }
  }
  for (const name of Object.keys(joined)) {
    const [group = ''] = name.split(' ');
    if (name !== group && group in joined)
      throw new TypeError(
        `Expected no command with the name of a group, got \`${group}\` of ${owners.get(group)} and \`${name}\` of ${owners.get(name)}`,
      );
  }
  return joined;
}
