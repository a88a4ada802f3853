import path from 'node:path';
import {systemClock} from '../../clock.ts';
import {CommandFailed} from '../../command/failure.ts';
import {ConfigurationError} from '../../errors.ts';
import {type Environment, parseText, port, shown} from '../../settings/setting.ts';
import {openInBrowser} from '../browser.ts';
import {networkNote} from '../network.ts';
import type {DevOptions} from '../options.ts';
import {freePort, requireFree} from '../ports.ts';
import {watchFunction} from '../watch.ts';
import {openConsole} from './console.ts';
import {openFront} from './front.ts';
import {Members, nextPort} from './members.ts';
import type {Plan} from './plan.ts';
import {stopOnSignals} from './signals.ts';
import type {Stage} from './stage.ts';

const usualPort = 8080;
const usualConsolePort = 8090;
/** A function that has not started by then keeps the others, and the keys, waiting no longer. */
const longestStartMs = 10_000;

/**
Serves several functions behind one port until a signal comes: each is a core in a process of its own, and this process passes
requests on.

@throws CommandFailed when a port that was asked for cannot be had
*/
export async function serveSeveral(source: Source, env: Environment, options: DevOptions, stage: Stage): Promise<void> {
  const plan = source.plan();
  const host = options.host ?? (env.CORE_HOST || '127.0.0.1');
  const given = options.port ?? portIn(env, 'PORT');
  if (given !== undefined) await requireFree(host, given);
  const wanted = given ?? (await freePort(host, usualPort));
  if (given === undefined && wanted !== usualPort) stage.noted(`Port ${usualPort} is taken: serving on ${wanted}`);
  const tell = newNotes(stage);
  tell(plan);
  const place = await placeForConsole(env, stage);
  const members = new Members(env, options, stage, {front: () => url(), console: () => consoleUrl(), adminPort: nextPort(place.port)});
  const console = await openConsole({...place, functions: members, clock: systemClock, noted: stage.noted});
  const consoleUrl = () => `http://${hostInUrl(place.host, '127.0.0.1')}:${console.port}`;
  const front = await openFront({host, port: wanted, functions: members});
  const url = () => `http://${hostInUrl(host, 'localhost')}:${front.port}`;
  const controls = stopOnSignals(members, front);
  if (!options.isStill) watchSource(source, next => void members.follow(tell(next)), options, stage);
  const started = members.follow(plan);
  await Promise.race([started, systemClock.sleep(longestStartMs)]);
  stage.serving({url: url(), consoleUrl: consoleUrl()}, () => members.served, controls);
  noteLate(members, stage, started);
  const open = networkNote(host, front.port);
  if (open !== undefined) stage.noted(open);
  if (options.opens) openInBrowser(url());
}

/** @throws CommandFailed, ConfigurationError */
async function placeForConsole(env: Environment, {noted}: Stage): Promise<{host: string; port: number; token: string | undefined}> {
  const host = env.CORE_ADMIN_HOST || '127.0.0.1';
  const asked = portIn(env, 'CORE_ADMIN_PORT') ?? usualConsolePort;
  const port = asked === 0 ? 0 : await freePort(host, asked);
  if (port !== asked) noted(`Port ${asked} is taken: the console is on ${port}`);
  return {host, port, token: env.CORE_ADMIN_TOKEN || undefined};
}

/** Says which functions are still to come, and when they serve. Those that never do have said why. */
function noteLate(members: Members, {noted}: Stage, started: Promise<void>): void {
  const late = members.listed.filter(({state}) => state === 'starting').map(({name}) => name);
  if (late.length === 0) return;
  noted(`Still starting, while the others serve: ${late.join(', ')}. Calls wait for it`);
  void started.then(() => {
    for (const {name, url} of members.served) if (late.includes(name)) noted(`${name} has started: ${url}`);
  });
}

/** Where the plan comes from. */
export interface Source {
  /** What is to be served now. @throws CommandFailed, ConfigurationError */
  plan(): Plan;
  /** The file that it is read from; undefined when it is the command line. */
  readonly file: string | undefined;
}

/** An edit of the file counts at once; one with a mistake changes nothing. */
function watchSource({file, plan}: Source, follow: (plan: Plan) => void, {envFile}: DevOptions, stage: Stage): void {
  if (file === undefined) return;
  const wish = {handlerPath: file, folder: path.dirname(file), isBinary: true, envFile};
  watchFunction(wish, {
    clock: systemClock,
    changed() {
      try {
        follow(plan());
      } catch (error) {
        stage.noted(`The functions go on as they are: ${sayProblem(error)}`);
      }
    },
    troubled: problem => stage.noted(problem),
  });
}

/** Says the notes of a plan that were not said before. */
function newNotes({noted}: Stage): (plan: Plan) => Plan {
  const said = new Set<string>();
  return plan => {
    for (const note of plan.notes) if (!said.has(note)) noted(note);
    for (const note of plan.notes) said.add(note);
    return plan;
  };
}

/** @throws any error that is a bug */
function sayProblem(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof CommandFailed) return error.message;
  throw error;
}

/** @param here stands for an address that this machine has in any case. The front is `localhost`, below which each function has a name */
function hostInUrl(host: string, here: string): string {
  if (['127.0.0.1', '0.0.0.0', '::'].includes(host)) return here;
  return host.includes(':') ? `[${host}]` : host;
}

/** @throws ConfigurationError */
function portIn(env: Environment, name: 'PORT' | 'CORE_ADMIN_PORT'): number | undefined {
  const given = env[name];
  if (!given) return undefined;
  const read = parseText(port(), given);
  if (read === undefined) throw new ConfigurationError([`${name}: expected an integer from 0 to 65535, got \`${shown(given)}\``]);
  return read;
}
