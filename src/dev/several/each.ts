import type {Environment} from '../../settings/setting.ts';

/** Settings that are about one function, or about the one core of a process. */
const ofOne = ['PORT', 'SCW_HANDLER_PATH', 'SCW_HANDLER_NAME', 'SCW_HANDLER_IS_BINARY', 'SCW_RUNTIME_BINARY', 'SCW_RUNTIME_BRIDGE'].concat([
  'SCW_APPLICATION_NAME',
  'CORE_RUNTIME',
  'CORE_SCHEDULES',
  'CORE_TRIGGERS',
  'CORE_JOURNAL',
  'SCW_UPSTREAM_PORT',
  'CORE_HOST',
]);

/**
The part of the environment that holds for each of several functions.

@returns `dropped` names the settings that are set and do not
*/
export function environmentOfEach(env: Environment): {own: Environment; dropped: readonly string[]} {
  const own = Object.fromEntries(Object.entries(env).filter(([name, value]) => !ofOne.includes(name) || isOfEach(name, value)));
  const dropped = ofOne.filter(name => name.includes('_') && name !== 'CORE_HOST' && env[name] && !(name in own));
  return {own, dropped};
}

/** A journal in memory is one for each. */
const isOfEach = (name: string, value: string | undefined) => name === 'CORE_JOURNAL' && value === 'memory:';
