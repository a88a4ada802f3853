import type {Environment} from '../settings/setting.ts';

/** The settings for a command that is the function: a server, unless the environment says what else it speaks. */
export function servedCommand(command: readonly [string, ...string[]] | undefined, {CORE_PROTOCOL}: Environment): Record<string, string> {
  if (command === undefined) return {};
  return {CORE_COMMAND: JSON.stringify(command), CORE_PROTOCOL: CORE_PROTOCOL || 'http'};
}
