import {triggers} from '../../../triggers/index.ts';
import {joinSettings} from '../../settings/config.ts';
import {type Environment, parseDuration} from '../../settings/setting.ts';
import type {ManifestFunction} from './manifest.ts';
import {readRuntime, runtimeForms} from './runtimes.ts';
import {readSchedulesOf} from './schedules.ts';
import type {Section} from './section.ts';

const keys = {
  used: ['handler', 'runtime', 'env', 'secret', 'privacy', 'timeout', 'memoryLimit', 'events'],
  ignored: ['custom_domains', 'minScale', 'maxScale', 'maxConcurrency', 'httpOption', 'privateNetworkId', 'sandbox', 'domain_name'],
  silent: ['description', 'name', 'package'],
};

/** Settings of the platform that a manifest has no say in. Others that begin with SCW_ are a function's own, such as keys for the API. */
const reserved: ReadonlySet<string> = new Set(
  Object.values(joinSettings(triggers)).flatMap(({name}) => (name.startsWith('CORE_') ? [] : [name])),
);

interface Around {
  readonly provider: Section;
  /** Of this machine: secrets refer to it. */
  readonly env: Environment;
}

/** One function of a manifest; undefined when something in it is wrong, which the section has noted. */
export function readFunction(name: string, section: Section, {provider, env}: Around): ManifestFunction | undefined {
  section.checkKeys(keys);
  const handler = section.text('handler', 'a handler such as dir/file.function');
  if (!handler) section.problem('handler', 'a handler such as dir/file.function', handler);
  const owner = section.has('runtime') ? section : provider;
  const written = owner.text('runtime', runtimeForms);
  const runtime = readRuntime(written ?? '');
  if (!runtime) owner.problem('runtime', runtimeForms, written);
  const variables = {
    ...readPlain(provider.section('env')),
    ...readSecrets(provider.section('secret'), env),
    ...readPlain(section.section('env')),
    ...readSecrets(section.section('secret'), env),
    ...readTimeout(section),
    ...readMemory(section),
    ...readSchedulesOf(section),
  };
  const isPrivate = readPrivacy(section);
  if (!handler || !runtime) return undefined;
  return {name, runtime, handler, isPrivate, variables};
}

/** Outside of secrets, `${NAME}` is a text like any other. */
function readPlain(section: Section): Record<string, string> {
  const read = readVariables(section);
  for (const [key, value] of Object.entries(read)) {
    const [, name] = /^\$\{(\w+)\}$/.exec(value) ?? [];
    if (name !== undefined) section.note(key, `it is passed on as it is written; \${env:${name}} would be the variable of this machine`);
  }
  return read;
}

function readVariables(section: Section): Record<string, string> {
  const read: Record<string, string> = {};
  for (const key of section.keys) {
    const value = section.text(key, 'a text');
    if (reserved.has(key)) section.note(key, 'it has no effect: the runtime sets it');
    else if (value !== undefined) read[key] = value;
  }
  return read;
}

/** A secret `${NAME}` is a variable of this machine. Without it the function starts without the secret, as on the platform. */
function readSecrets(section: Section, env: Environment): Record<string, string> {
  const read = readVariables(section);
  for (const [key, value] of Object.entries(read)) {
    const [, name] = /^\$\{([^}]*)\}$/.exec(value) ?? [];
    if (name === undefined) continue;
    const found = env[name];
    if (found !== undefined) read[key] = found;
    else {
      delete read[key];
      section.note(key, `${name} is not set in the environment nor in .env; the function starts without this secret`);
    }
  }
  return read;
}

/** Seconds, or a duration; both as text, too. */
function readTimeout(section: Section): Record<string, string> {
  const expected = 'seconds such as 30, or a duration such as 30s or 5m';
  const given = section.text('timeout', expected);
  if (given === undefined) return {};
  const duration = /^\d+(\.\d{1,3})?$/.test(given) ? `${given}s` : given;
  if (parseDuration(duration)) return {CORE_TIMEOUT: duration};
  section.problem('timeout', expected, given);
  return {};
}

/** Megabytes, as the context of the function says them. */
function readMemory(section: Section): Record<string, string> {
  const expected = 'megabytes from 1 to 1048576, such as 256';
  const given = section.text('memoryLimit', expected);
  if (given === undefined) return {};
  const [, megabytes] = /^([1-9]\d{0,6})(?:MB?)?$/i.exec(given) ?? [];
  if (megabytes !== undefined && Number(megabytes) <= 1_048_576) return {SCW_APPLICATION_MEMORY: megabytes};
  section.problem('memoryLimit', expected, given);
  return {};
}

function readPrivacy(section: Section): boolean {
  const given = section.text('privacy', 'public or private') ?? 'public';
  if (given !== 'public' && given !== 'private') section.problem('privacy', 'public or private', given);
  return given === 'private';
}
