import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {parseEnv} from 'node:util';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';
import type {SettingSource, Sources} from '../settings/report.ts';
import type {Environment} from '../settings/setting.ts';
import type {Found} from './find.ts';
import type {DevOptions} from './options.ts';

/** A function and how it is to be served. */
export interface Wish extends Found, DevOptions {
  readonly name?: string | undefined;
  readonly handlerName?: string | undefined;
  readonly adminPort?: number | undefined;
  /** Settings that were chosen for this run. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Variables that a manifest declares. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Names of the settings that a manifest decides. */
  readonly declared?: readonly string[] | undefined;
}

/**
The environment of a core that serves the function. What was chosen on the command line comes first, then the environment, then
the file, then the manifest. Reads the file anew each time.

@throws CommandFailed when the file cannot be read
*/
export function environmentOf(wish: Wish, env: Environment): Environment {
  return {...defaultsOf(wish), ...wish.variables, ...readEnvFile(wish), ...env, ...wish.settings, ...chosenIn(wish)};
}

/**
Where the variables of that environment come from, apart from those of the environment itself.

@throws CommandFailed when the file cannot be read
*/
export function sourcesOf(wish: Wish, env: Environment): Sources {
  const {declared = []} = wish;
  const from = (names: object, source: SettingSource) => Object.fromEntries(Object.keys(names).map(name => [name, source]));
  const byCommand = (names: object) =>
    Object.fromEntries(Object.keys(names).map(name => [name, declared.includes(name) ? 'manifest' : 'command'] as const));
  return {
    ...byCommand({...defaultsOf(wish), ...wish.variables}),
    ...from(readEnvFile(wish), 'env-file'),
    ...from(env, 'environment'),
    ...byCommand({...wish.settings, ...chosenIn(wish)}),
  };
}

/**
The environment without what Node read into it: when it was started by hand, as in `node src/cli.ts`, Node takes `--env-file`
for its own, wherever it stands on the command line. Otherwise an edit of the file would not count, as the environment comes first.

@throws CommandFailed when the file cannot be read
*/
export function withoutFile(wish: Wish, env: Environment): Environment {
  if (wish.envFile === undefined) return env;
  const file = readEnvFile(wish);
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => file[name] !== value));
}

/** The file with variables that a wish has, whether it exists or not. */
export const envFileOf = ({folder, envFile}: Wish): string => envFile ?? path.join(folder, '.env');

function defaultsOf({folder}: Wish): Environment {
  return {
    SCW_PUBLIC: 'true',
    SCW_UPSTREAM_PORT: '0',
    SCW_APPLICATION_NAME: path.basename(folder),
    CORE_HOST: '127.0.0.1',
    CORE_JOURNAL_HTTP: 'full',
    // Python takes a module's bytecode for current when the file has the same size and second: an edit would not be seen.
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

function chosenIn({handlerPath, isBinary, name, handlerName, host, port, adminPort, isPrivate}: Wish): Environment {
  return {
    SCW_HANDLER_PATH: handlerPath,
    CORE_PROCESSES: '1', // this process sees every call, and shows it
    ...(isBinary && {SCW_HANDLER_IS_BINARY: 'true'}),
    ...(name !== undefined && {SCW_APPLICATION_NAME: name}),
    ...(handlerName !== undefined && {SCW_HANDLER_NAME: handlerName}),
    ...(host !== undefined && {CORE_HOST: host}),
    ...(port !== undefined && {PORT: String(port)}),
    ...(adminPort !== undefined && {CORE_ADMIN_PORT: String(adminPort)}),
    ...(isPrivate && {SCW_PUBLIC: 'false'}),
  };
}

/** Larger files are no lists of variables. */
const largestFileBytes = 2 ** 20;

function readEnvFile(wish: Wish): Environment {
  const file = envFileOf(wish);
  const stats = statSync(file, {throwIfNoEntry: false});
  if (!stats) {
    if (wish.envFile === undefined) return {};
    throw new CommandFailed(
      exit.misused,
      `--env-file: expected a file with lines such as NAME=value, got \`${file}\`, which does not exist`,
    );
  }
  if (!stats.isFile() || stats.size > largestFileBytes) {
    if (wish.envFile === undefined && !stats.isFile()) return {}; // a folder `.env` may hold a Python environment
    throw new CommandFailed(exit.misused, `${file}: expected a file of at most 1 MiB with lines such as NAME=value`);
  }
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CommandFailed(exit.misused, `${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
