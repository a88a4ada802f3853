import {type Environment, givenText, parseText, type Setting} from './setting.ts';
import {withoutPassword} from './without-password.ts';

/**
Where a value comes from. `command`: `core-runtime dev`, its options or what it chose; `env-file`: `.env` or the file of
`--env-file`; `manifest`: a `serverless.yml`.
*/
export const settingSources = ['environment', 'command', 'env-file', 'manifest', 'default', 'unset'] as const;

export type SettingSource = (typeof settingSources)[number];

/** Where the variables of an environment come from, by name; those that it does not name are the environment's own. */
export type Sources = Readonly<Record<string, SettingSource>>;

export interface SettingReport {
  readonly name: string;
  /** As a person would write it; null when the setting has no value, `(hidden)` when it is secret. */
  readonly value: string | null;
  readonly source: SettingSource;
  readonly doc: string;
}

/** What a setting is, and where that comes from. */
export function reportSetting(entry: Setting<unknown>, env: Environment, sources: Sources = {}): SettingReport {
  const given = givenText(entry, env);
  const {name, doc, secret, fallback} = entry;
  if (given !== undefined) {
    return {name, value: secret ? '(hidden)' : effective(entry, given), source: sources[name] ?? 'environment', doc};
  }
  return {name, value: fallback || null, source: fallback ? 'default' : 'unset', doc};
}

/** The value that the core uses. Only the exact word true counts in a flag, so `TRUE` is shown as false. */
function effective({schema}: Setting<unknown>, given: string): string {
  const value = parseText(schema, given);
  return typeof value === 'boolean' ? String(value) : withoutPassword(given);
}
