import process from 'node:process';
import {systemClock} from '../../clock.ts';
import {ConfigurationError} from '../../errors.ts';
import {exit} from '../../exit.ts';
import {type Environment, parseText, port, shown} from '../../settings/setting.ts';
import {openInBrowser} from '../browser.ts';
import {networkNote} from '../network.ts';
import {freePort, requireFree} from '../ports.ts';
import type {Controls} from '../terminal/actions.ts';
import type {Wish} from '../wish.ts';
import {forkFunction} from './fork.ts';
import {type Front, openFront} from './front.ts';
import {journalsApart} from './journals.ts';
import {Member, type Teller} from './member.ts';
import type {Plan, PlannedFunction} from './plan.ts';
import type {Up} from './words.ts';

export interface SeveralOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly envFile?: string | undefined;
  readonly isPrivate?: boolean | undefined;
  readonly isStill?: boolean | undefined;
  readonly opens?: boolean | undefined;
}

/** Shows what happens to a person, or to a program. */
export interface Stage {
  /** For what one function reports. */
  tellerOf(planned: PlannedFunction): Teller;
  noted(line: string): void;
  /** Called once, when each function serves or does not. `url` of each is that at the front. */
  serving(url: string, functions: readonly Served[], controls: Omit<Controls, 'openInBrowser'>): void;
}

export interface Served {
  readonly name: string;
  /** At the front. */
  readonly url: string;
  readonly up: Up;
}

const usual = {port: 8080, adminPort: 8090} as const;
/** npm forwards a Ctrl-C that the terminal has also delivered: a second signal sooner than this is the same one. */
const sameSignalMs = 1000;
/** Cores that were told to stop at once have this much time. */
const atOnceMs = 2000;
/** When the cores have ended, what they have answered leaves within this time. */
const lastBytesMs = 1000;

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
Serves several functions behind one port until a signal comes: each is a core in a process of its own, and this process passes
requests on.

@throws CommandFailed when a port that was asked for cannot be had
*/
export async function serveSeveral(plan: Plan, env: Environment, options: SeveralOptions, stage: Stage): Promise<void> {
  const host = options.host ?? (env.CORE_HOST || '127.0.0.1');
  const given = options.port ?? portIn(env);
  if (given !== undefined) await requireFree(host, given);
  const wanted = given ?? (await freePort(host, usual.port));
  if (given === undefined && wanted !== usual.port) stage.noted(`Port ${usual.port} is taken: serving on ${wanted}`);
  for (const note of plan.notes) stage.noted(note);
  const members = membersOf(plan, env, options, stage, () => url());
  const front = await openFront({
    host,
    port: wanted,
    functions: members,
    isAlone: plan.isAlone,
    list: () => members.map(({listed}) => listed),
  });
  const url = () => `http://${hostInUrl(host)}:${front.port}`;
  const controls = stopOnSignals(members, front);
  await Promise.all(members.map(member => member.start()));
  const served = members.flatMap(({name, up, listed}) => (up ? [{name, url: listed.url, up}] : []));
  stage.serving(url(), served, controls);
  const open = networkNote(host, front.port);
  if (open !== undefined) stage.noted(open);
  if (options.opens) openInBrowser(url());
}

/** An address that this machine has in any case is `localhost`, below which each function has a name. */
function hostInUrl(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function membersOf(plan: Plan, env: Environment, {envFile, isPrivate, isStill}: SeveralOptions, stage: Stage, url: () => string): Member[] {
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !ofOne.includes(name) || keptAnyway(name, env[name])));
  const dropped = ofOne.filter(name => name.includes('_') && name !== 'CORE_HOST' && env[name] && !(name in own));
  if (dropped.length > 0) stage.noted(`${dropped.join(', ')} ${dropped.length === 1 ? 'has' : 'have'} no effect on several functions`);
  let nextAdminPort = env.CORE_ADMIN_PORT ? Number(env.CORE_ADMIN_PORT) : usual.adminPort;
  let turn: Promise<unknown> = Promise.resolve();
  /** One after the other, as each takes the next free port. */
  const adminPort = (): Promise<number> => {
    const found = turn.then(async () => {
      const port = await freePort(env.CORE_ADMIN_HOST || '127.0.0.1', nextAdminPort);
      if (port > 0) nextAdminPort = port + 1; // 0: each takes any that is free
      return port;
    });
    turn = found.catch(() => {});
    return found;
  };
  const apart = journalsApart(own);
  return plan.functions.map(planned => {
    let port: Promise<number> | undefined;
    return new Member(planned, {
      clock: systemClock,
      teller: stage.tellerOf(planned),
      fork: writesLog => forkFunction(own, writesLog),
      async placed(found: Wish): Promise<Wish> {
        const wish = apart(planned.name, found);
        port ??= adminPort(); // it keeps its port when it is started again
        return {
          ...wish,
          host: '127.0.0.1',
          port: 0,
          adminPort: await port,
          envFile: envFile ?? wish.envFile,
          isPrivate: isPrivate || wish.isPrivate,
          isStill,
        };
      },
      url: () => `${url()}/${planned.name}`,
    });
  });
}

/** @throws ConfigurationError */
function portIn({PORT: given}: Environment): number | undefined {
  if (!given) return undefined;
  const read = parseText(port(), given);
  if (read === undefined) throw new ConfigurationError([`PORT: expected an integer from 0 to 65535, got \`${shown(given)}\``]);
  return read;
}

/** A journal in memory is one for each. */
const keptAnyway = (name: string, value: string | undefined) => name === 'CORE_JOURNAL' && value === 'memory:';

/** Lets requests in flight finish, and ends this process when each core has ended. A second signal ends them at once. */
function stopOnSignals(members: readonly Member[], front: Front): Omit<Controls, 'openInBrowser'> {
  let stoppingSince: number | undefined;
  const onSignal = () => {
    if (stoppingSince === undefined) {
      stoppingSince = systemClock.monotonic();
      void stop();
    } else if (systemClock.monotonic() - stoppingSince >= sameSignalMs) {
      process.exitCode = exit.failed;
      for (const member of members) member.stop();
      systemClock.after(atOnceMs, () => {
        for (const member of members) member.kill();
      });
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  process.on('SIGHUP', reload);
  return {reload, stop: () => process.kill(process.pid, 'SIGINT'), abandon};

  function reload(): void {
    for (const member of members) member.reload();
  }

  function abandon(): void {
    for (const member of members) member.kill();
    process.exit(exit.failed);
  }

  async function stop(): Promise<void> {
    const ended = members.map(member => member.ended());
    const closed = front[Symbol.asyncDispose]();
    for (const member of members) member.stop();
    await Promise.all(ended);
    await Promise.race([closed, systemClock.sleep(lastBytesMs)]);
    process.exit(); // with 0, unless a second signal has set another code
  }
}
