import {execFile} from 'node:child_process';
import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {express, functionsFramework} from './peers/in-process.ts';
import {goStandIn, nginx, ofWatchdog} from './peers/proxies.ts';
import {type FunctionName, type Program, temporaryFolder} from './servers.ts';

/** Somebody else's way to serve the same function. */
export interface Peer {
  /** With its version. */
  readonly title: string;
  /** What to start, and what to start before it. */
  prepare(name: FunctionName, stack: AsyncDisposableStack): Promise<{readonly before?: Program; readonly program: Program}>;
}

export const peerNames = ['nginx', 'of-watchdog', 'Go stand-in', 'functions-framework', 'Express'] as const;
export type PeerName = (typeof peerNames)[number];

const run = promisify(execFile);

/**
The peers, each installed or built when it is first asked for, into a folder that is gone with the stack. One that
cannot be had is not measured, and says why.
*/
export class Peers {
  readonly missing = new Map<PeerName, string>();
  readonly #stack: AsyncDisposableStack;
  readonly #wanted: readonly PeerName[];
  readonly #found = new Map<PeerName, Promise<Peer | undefined>>();
  #folder: Promise<string> | undefined;

  constructor(stack: AsyncDisposableStack, wanted: readonly PeerName[] = peerNames) {
    this.#stack = stack;
    this.#wanted = wanted;
  }

  /** Undefined when it is not wanted or cannot be had. */
  find(name: PeerName): Promise<Peer | undefined> {
    if (!this.#wanted.includes(name)) return Promise.resolve(undefined);
    const found = this.#found.get(name) ?? this.#open(name);
    this.#found.set(name, found);
    return found;
  }

  /** Installs packages from npm. Gives their folder and the version of the first. */
  async install(...packages: readonly [string, ...string[]]): Promise<{modules: string; version: string}> {
    const folder = join(await this.folder(), packages.join('-').replaceAll(/\W/g, '-'));
    await mkdir(folder, {recursive: true});
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, ...packages]);
    const modules = join(folder, 'node_modules');
    const name = packages[0].replace(/(?<=.)@.*$/, '');
    return {modules, version: JSON.parse(await readFile(join(modules, name, 'package.json'), 'utf8')).version};
  }

  /** Where peers are installed. */
  folder(): Promise<string> {
    this.#folder ??= temporaryFolder(this.#stack);
    return this.#folder;
  }

  async #open(name: PeerName): Promise<Peer | undefined> {
    try {
      return await openers[name](this);
    } catch (error) {
      this.missing.set(name, `not measured: ${name} is not installed (${reasonOf(error)})`);
      return undefined;
    }
  }
}

const openers: Readonly<Record<PeerName, (peers: Peers) => Promise<Peer>>> = {
  nginx,
  'of-watchdog': ofWatchdog,
  'Go stand-in': goStandIn,
  'functions-framework': functionsFramework,
  Express: express,
};

/** The first line of what went wrong, without addresses: they tell of the machine, not of the peer. */
export function reasonOf(error: unknown): string {
  const told = error instanceof Error && 'stderr' in error && error.stderr ? error.stderr : error;
  return (
    String(told)
      .trim()
      .split('\n')[0]
      ?.replaceAll(/https?:\S+\s*/g, '') ?? ''
  );
}
