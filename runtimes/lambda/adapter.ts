import {accessSync, constants, existsSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {ConfigurationError} from '../../src/errors.ts';
import type {FunctionSpec, RuntimeAdapter} from '../../src/runtime.ts';
import type {FunctionSettings} from '../../src/settings/function.ts';

const bridge = fileURLToPath(new URL('bridge.mjs', import.meta.url));

/** Programs that ask for invocations, as Lambda starts them. One call at a time: more are served by more processes. */
export const lambda: RuntimeAdapter = {
  extensions: [],
  bridge,
  interpreter: process.execPath,
  concurrency: 1,
  resolve,
};

/** @throws ConfigurationError */
function resolve(settings: FunctionSettings): FunctionSpec {
  const {handlerPath = '', handlerName, hop, concurrency = 1, lambdaPayload} = settings;
  if (!existsSync(handlerPath)) throw refusal(`SCW_HANDLER_PATH: expected an existing file, got \`${handlerPath}\``);
  if (hop === 'http') throw refusal('CORE_HOP: expected `auto`, as CORE_RUNTIME=lambda is called on the channel, got `http`');
  if (concurrency > 1)
    throw refusal(`CORE_CONCURRENCY: expected 1, as a program for Lambda has one call at a time, got \`${concurrency}\`; set CORE_WORKERS`);
  const {name, ext} = path.parse(handlerPath);
  const isProgram =
    settings.handlerIsBinary || (settings.runtimeBinary === undefined && settings.runtimeBridge === undefined && ext === '');
  const handler = isProgram ? name : `${name}.${handlerName}`;
  return {
    language: 'lambda',
    handlerPath,
    handlerName,
    command: {
      file: process.execPath,
      args: [bridge, lambdaPayload, handler, ...(isProgram ? [programAt(handlerPath)] : clientOf(settings, handlerPath, ext))],
      readiness: 'report',
      concurrency: 1,
    },
  };
}

function programAt(file: string): string {
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    throw refusal(`SCW_HANDLER_PATH: expected an executable file, got \`${file}\``);
  }
}

/** The program that loads the handler and asks for its invocations: the one that is named, or that of its language. */
function clientOf({runtimeBinary, runtimeBridge}: FunctionSettings, handlerPath: string, extension: string): string[] {
  if (runtimeBridge !== undefined) {
    if (!existsSync(runtimeBridge)) throw refusal(`SCW_RUNTIME_BRIDGE: expected an existing file, got \`${runtimeBridge}\``);
    return [runtimeBinary ?? process.execPath, runtimeBridge, '$_HANDLER'];
  }
  if (extension === '.py') return [runtimeBinary ?? 'python3', '-m', 'awslambdaric', '$_HANDLER'];
  if (/^\.[cm]?js$/.test(extension)) return [runtimeBinary ?? process.execPath, nodeClientFor(handlerPath), '$_HANDLER'];
  if (runtimeBinary !== undefined) return [runtimeBinary, '$_HANDLER'];
  throw refusal(
    `SCW_HANDLER_PATH: expected a program, or a handler in Python or JavaScript, got \`${handlerPath}\`; or set SCW_RUNTIME_BINARY and SCW_RUNTIME_BRIDGE`,
  );
}

const nodeClient = 'node_modules/.bin/aws-lambda-ric';

/** Where npm has put it: beside the handler, or in a folder above. */
function nodeClientFor(handlerPath: string): string {
  for (let folder = path.dirname(handlerPath); ; folder = path.dirname(folder)) {
    const file = path.join(folder, nodeClient);
    if (existsSync(file)) return file;
    if (folder === path.dirname(folder)) break;
  }
  throw refusal(`SCW_HANDLER_PATH: expected aws-lambda-ric in a node_modules of \`${handlerPath}\`: install it, or set SCW_RUNTIME_BRIDGE`);
}

const refusal = (problem: string) => new ConfigurationError([problem]);
