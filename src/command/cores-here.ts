import path from 'node:path';
import {settings} from '../settings/config.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {askCore} from './core-here.ts';
import {CommandFailed} from './failure.ts';
import {complain} from './terminal.ts';

/** A core that runs on this machine, and the function that it serves. */
export interface CoreHere {
  /** The environment with which it is asked. */
  readonly env: Environment;
  /** Of its private listener. */
  readonly port: number;
  /** Of the function; its handler where it has no name. */
  readonly name: string;
  readonly handler: string;
  /** The process that answers. Of several functions under `dev`, the first also answers at the port of the console. */
  readonly core: string;
}

export interface CoresHere {
  /** The cores that a command in this folder may mean, by their ports. */
  readonly meant: readonly CoreHere[];
  readonly others: readonly CoreHere[];
}

/** Several functions under `dev` take one port after the other, from the usual one on. */
const mostPorts = 16;
/** A core answers from memory; what else listens there may not answer at all, or without an end. */
const longestWaitMs = 2000;
const mostBytes = 64 * 2 ** 10;
/** Most that a message names. */
const mostNamed = 5;

/**
The cores that a command may mean: the one that the settings name; else, of those on the usual ports, the ones whose function is
in this folder, or all of them when none is. With a token only the place of the settings is asked, as others might listen on the
other ports and must not get it.
*/
export async function findCores(env: Environment, folder = process.cwd()): Promise<CoresHere> {
  const {adminPort} = parseSettings({adminPort: settings.adminPort}, env);
  const ports = isNamed(env) ? [adminPort] : Array.from({length: mostPorts}, (_, index) => adminPort + index);
  return chooseCores(await coresAt(ports, env), folder);
}

/** Those that answer, in the order of their ports; one that answers at two has the later one, which is its own. */
export async function coresAt(ports: readonly number[], env: Environment, waitMs = longestWaitMs): Promise<CoreHere[]> {
  const cores = (await Promise.all(ports.map(port => coreAt(port, env, waitMs)))).filter(core => core !== undefined);
  return cores.filter(({core}, at) => cores.findLastIndex(each => each.core === core) === at);
}

export function chooseCores(cores: readonly CoreHere[], folder: string): CoresHere {
  const here = cores.filter(({handler}) => handler.startsWith(folder.endsWith(path.sep) ? folder : `${folder}${path.sep}`));
  const meant = here.length > 0 ? here : cores;
  return {meant, others: cores.filter(core => !meant.includes(core))};
}

/**
The environment that asks the one core which a command shows: the first that it may mean. A note names the others.

@param env asks the place of the settings, and is returned when no core was found
*/
export async function envOfCore(env: Environment): Promise<Environment> {
  if (isNamed(env)) return env;
  const {meant} = await findCores(env);
  const [first, ...more] = meant;
  if (more.length > 0) complain(`this is about ${first?.name}; ${otherCores(more)}`);
  return first?.env ?? env;
}

/** `other cores run here: CORE_ADMIN_PORT=8091 for jobs` */
export function otherCores(cores: readonly CoreHere[]): string {
  const names = cores.slice(0, mostNamed).map(({port, name}) => `CORE_ADMIN_PORT=${port} for ${name}`);
  const rest = cores.length > mostNamed ? ' …' : '';
  return `${cores.length === 1 ? 'another core runs here' : 'other cores run here'}: ${names.join(', ')}${rest}`;
}

const isNamed = (env: Environment) =>
  ['CORE_ADMIN_PORT', 'CORE_ADMIN_HOST', 'CORE_ADMIN_TOKEN', 'SCW_HANDLER_PATH'].some(name => env[name]);

/** @returns undefined when no core answers there, or it does not say what it serves */
async function coreAt(port: number, env: Environment, waitMs: number): Promise<CoreHere | undefined> {
  const asking = {...env, CORE_ADMIN_PORT: String(port)};
  try {
    const {status, body} = await askCore(asking, 'GET', '/api/now', {waitMs, mostBytes});
    if (status !== 200) return undefined;
    const {name, handler} = Object(body?.function);
    const {pid, startedAt} = Object(body?.core);
    if (typeof handler !== 'string') return undefined;
    return {env: asking, port, name: typeof name === 'string' && name !== '' ? name : handler, handler, core: `${pid} ${startedAt}`};
  } catch (error) {
    if (error instanceof CommandFailed || error instanceof TypeError) return undefined;
    throw error;
  }
}
