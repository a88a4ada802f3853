import {accessSync, constants, existsSync, realpathSync, statSync} from 'node:fs';
import path from 'node:path';
import {ConfigurationError} from '../src/errors.ts';
import type {Command, FunctionSpec, RuntimeAdapter} from '../src/runtime.ts';
import type {FunctionSettings} from '../src/settings/function.ts';
import {runtimes} from './index.ts';

/** A foreign sub-runtime and a binary say nothing of how many calls they take at a time. */
const foreignConcurrency = 100;

/**
Finds out from the settings and the disk what is served and which program runs it.

@param heapBytes largest heap of the function's process, where memory is scarce and its interpreter can be told
@throws ConfigurationError that names the setting and what would be right
*/
export function resolveFunction(settings: FunctionSettings, heapBytes?: number): FunctionSpec {
  const {command, handlerPath, handlerIsBinary, runtimeBridge} = settings;
  if (command !== undefined) return commandFunction(command, settings);
  if (handlerPath === undefined) throw refusal('SCW_HANDLER_PATH: expected the absolute path of the handler, got nothing');
  const own = adapters.get(settings.language ?? '')?.resolve;
  if (own) return own(settings);
  if (handlerIsBinary) return binaryFunction(handlerPath, settings);
  checkInterpreter(settings.runtimeBinary);
  if (runtimeBridge === undefined) return bridgedFunction(handlerPath, settings, heapBytes);
  const ours = [...adapters.keys()].find(language => isSameFile(adapters.get(language)?.bridge ?? '', runtimeBridge));
  if (ours === undefined) return foreignFunction(handlerPath, runtimeBridge, settings);
  return bridgedFunction(handlerPath, {...settings, language: ours}, heapBytes);
}

/** A command line of the user's own. Its code is known by the first of its words that is a file. */
function commandFunction([file, ...args]: readonly [string, ...string[]], {handlerPath, handlerName}: FunctionSettings): FunctionSpec {
  if (file.includes('/') && !isExecutable(file)) throw refusal(`CORE_COMMAND: expected an executable file, got \`${file}\``);
  return {
    language: 'command',
    handlerPath: handlerPath ?? codeOf([file, ...args]),
    handlerName,
    command: {
      file,
      args,
      readiness: 'port',
      concurrency: foreignConcurrency,
      ...(!file.includes('/') && {missing: `${file} was not found in PATH: install it, or name it by its path`}),
    },
  };
}

/** The file that a command line is about: the script that it names, else the program. */
export function codeOf([file, ...args]: readonly [string, ...string[]]): string {
  return path.resolve(args.find(isFile) ?? file);
}

/** A map, as in an object `constructor` would pass for a language. */
const adapters: ReadonlyMap<string, RuntimeAdapter> = new Map(Object.entries(runtimes));

function binaryFunction(handlerPath: string, {handlerName}: FunctionSettings): FunctionSpec {
  if (!isExecutable(handlerPath)) throw refusal(`SCW_HANDLER_PATH: expected an executable file, got \`${handlerPath}\``);
  return {
    language: 'binary',
    handlerPath,
    handlerName,
    command: {file: handlerPath, args: [], readiness: 'port', concurrency: foreignConcurrency},
  };
}

/** A name without a slash is looked up in PATH, when it is spawned. */
function checkInterpreter(binary: string | undefined): void {
  if (!binary?.includes('/') || isExecutable(binary)) return;
  throw refusal(`SCW_RUNTIME_BINARY: expected an executable file, got \`${binary}\``);
}

/** The path goes to a foreign bridge as it was given: it completes it by rules of its own. */
function foreignFunction(handlerPath: string, bridge: string, settings: FunctionSettings): FunctionSpec {
  if (!existsSync(bridge)) throw refusal(`SCW_RUNTIME_BRIDGE: expected an existing file, got \`${bridge}\``);
  const language = settings.language ?? languageOf(handlerPath) ?? languageOf(bridge);
  const adapter = language === undefined ? undefined : adapters.get(language);
  const file = settings.runtimeBinary ?? adapter?.interpreter;
  if (!file) throw refusal(`SCW_RUNTIME_BINARY: expected the interpreter that executes \`${bridge}\`, got nothing`);
  const {handlerName} = settings;
  return {
    language: 'foreign',
    handlerPath,
    handlerName,
    command: {
      file,
      args: [bridge],
      readiness: 'port',
      concurrency: foreignConcurrency,
      ...(adapter && missing(file, settings.runtimeBinary, adapter)),
    },
  };
}

function bridgedFunction(
  given: string,
  {language: named, handlerName, runtimeBinary}: FunctionSettings,
  heapBytes: number | undefined,
): FunctionSpec {
  if (named !== undefined && !adapters.has(named)) {
    throw refusal(`CORE_RUNTIME: expected one of ${[...adapters.keys()].join(', ')}, got \`${named}\``);
  }
  const handlerPath = completePath(given);
  const language = named ?? languageOf(handlerPath);
  const adapter = language === undefined ? undefined : adapters.get(language);
  if (!language || !adapter) {
    throw refusal(`SCW_HANDLER_PATH: expected an extension of ${extensions().join(' ')}, got \`${given}\`; or set CORE_RUNTIME`);
  }
  const {bridge, concurrency, interpreter} = adapter;
  const file = runtimeBinary ?? interpreter;
  const heapArgs = (heapBytes !== undefined && adapter.heapArgs?.(file, heapBytes)) || [];
  return {
    language,
    handlerPath,
    handlerName,
    command: {file, args: [...heapArgs, bridge], readiness: 'report', concurrency, ...missing(file, runtimeBinary, adapter)},
  };
}

/** What to say when the interpreter is not found in PATH. */
function missing(
  file: string,
  given: string | undefined,
  {install = {name: file, packages: file}}: RuntimeAdapter,
): Pick<Command, 'missing'> {
  if (file.includes('/')) return {};
  const isMissing = `${file} was not found in PATH`;
  if (given !== undefined)
    return {missing: `SCW_RUNTIME_BINARY names ${file}, and ${isMissing}: install it, or give the path of the program`};
  const {name, packages} = install;
  return {missing: `${name} is not installed (${isMissing}): install ${packages}, or set SCW_RUNTIME_BINARY to the path of the program`};
}

/** A path without extension is completed from disk; there must be one way only. */
function completePath(given: string): string {
  if (isFile(given)) return given;
  const found = extensions()
    .map(extension => given + extension)
    .filter(isFile);
  if (found.length === 1 && found[0]) return found[0];
  const problem =
    found.length === 0
      ? `no such file, and none with one of ${extensions().join(' ')} behind it`
      : `several files fit: ${found.join(', ')}; name one with its extension`;
  throw refusal(`SCW_HANDLER_PATH: expected one handler file, got \`${given}\`: ${problem}`);
}

function languageOf(file: string): string | undefined {
  const extension = path.extname(file);
  return [...adapters.keys()].find(language => adapters.get(language)?.extensions.includes(extension));
}

const extensions = () => [...adapters.values()].flatMap(adapter => adapter.extensions);
const isFile = (file: string) => statSync(file, {throwIfNoEntry: false})?.isFile() === true;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return isFile(file);
  } catch {
    return false;
  }
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}

function refusal(problem: string): ConfigurationError {
  return new ConfigurationError([problem]);
}
