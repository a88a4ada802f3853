import {ConfigurationError} from '../errors.ts';
import {nearest} from '../nearest.ts';
import {type Environment, givenText, parseText, type Settings, shown} from './setting.ts';

/** Settings of the core that the sub-runtime gets, too. */
const sharedWithChild = new Set(['CORE_CONCURRENCY', 'CORE_PYTHON_APP']);

/**
Copies the process's environment, for everything that reads it. Variables that make a library write to our output are removed
from the process's own: OpenTelemetry's SDK logs text to the console when it finds `OTEL_LOG_LEVEL` there.
*/
export function takeEnvironment(own: Record<string, string | undefined>): Environment {
  const taken = {...own};
  delete own.OTEL_LOG_LEVEL;
  return taken;
}

/**
Looks for mistyped names among the `CORE_` variables that no setting owns; they belong to the function.

@returns warnings, one per unknown name and per word that may be meant for true
@throws ConfigurationError when a name is one edit away from a setting: that is a typing mistake
*/
export function checkNames(table: Settings, env: Environment): string[] {
  const known = Object.values(table).map(entry => entry.name);
  const unknown = Object.keys(env).filter(name => name.startsWith('CORE_') && !known.includes(name));
  const candidates = unknown.map(name => ({name, ...nearest(name, known)}));
  const mistyped = candidates.filter(({edits}) => edits === 1);
  if (mistyped.length > 0) {
    throw new ConfigurationError(mistyped.map(({name, word}) => `${name} is not a setting; did you mean ${word}?`));
  }
  const strange = candidates.map(({name, word}) => `${name} is not a setting and is passed to the function; the nearest is ${word}`);
  return [...strange, ...doubtfulWords(table, env)];
}

const meantForTrue = /^\s*(true|t|yes|y|on|1)\s*$/i;

/** Finds words that count as false, although their writers may have meant true. */
function doubtfulWords(table: Settings, env: Environment): string[] {
  return Object.values(table).flatMap(entry => {
    const given = givenText(entry, env);
    if (given === undefined || !meantForTrue.test(given) || parseText(entry.schema, given) !== false) return [];
    return [`${entry.name} is \`${shown(given)}\` and counts as false: only the exact word true counts`];
  });
}

/**
The environment of a sub-runtime: the user's own variables and the contract's.
Our settings, every secret and the exporters' headers stay behind.
*/
export function childEnvironment(table: Settings, env: Environment): Record<string, string> {
  const withheld = new Set(
    Object.values(table)
      .filter(entry => entry.secret || (entry.name.startsWith('CORE_') && !sharedWithChild.has(entry.name)))
      .map(entry => entry.name),
  );
  const kept = Object.entries(env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !withheld.has(pair[0]) && !/^OTEL_EXPORTER_.*HEADERS$/.test(pair[0]),
  );
  return Object.fromEntries(kept);
}
