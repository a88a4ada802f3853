import {type Peers, reasonOf} from '../peers.ts';
import {cpuMicros} from '../processes.ts';
import {temporaryFolder} from '../servers.ts';
import {type Contender, measured} from './contender.ts';
import {startPostgres, startRedis} from './databases.ts';
import {type Driver, startDriver} from './drive.ts';
import {overHttp, overHttpTitle, postAll} from './over-http.ts';

/** Pinned, so that figures of two sittings are of the same programs. */
const packages = {pgBoss: ['pg-boss@12.38.0'], bullmq: ['bullmq@6.7.0', 'ioredis@6.0.0']} as const;

export const ownStore = 'core, its store';
/** What stands in the title of a peer that is called over HTTP. */
export const behindHttp = 'behind HTTP';

export interface Found {
  readonly contenders: readonly Contender[];
  /** A sentence for each that cannot be had. */
  readonly missing: ReadonlyMap<string, string>;
  /** What stands behind the peers, with the settings that their promise depends on. */
  readonly behind: readonly string[];
}

/** Starts everybody; they end with the stack. */
export async function findContenders(peers: Peers, stack: AsyncDisposableStack): Promise<Found> {
  const [contenders, missing, behind] = [[] as Contender[], new Map<string, string>(), [] as string[]];
  const openers = {[ownStore]: store, [overHttpTitle]: async () => [await overHttp()], 'pg-boss': pgBoss, BullMQ: bullmq};
  for (const [name, open] of Object.entries(openers)) {
    try {
      contenders.push(...(await open()));
    } catch (error) {
      missing.set(name, reasonOf(error).replace(/^Error: /, ''));
    }
  }
  return {contenders, missing, behind};

  async function store(): Promise<Contender[]> {
    const options = {modules: '', port: 0, folder: await temporaryFolder(stack)};
    return [driven(ownStore, await startDriver('store', options, stack), [])];
  }

  async function pgBoss(): Promise<Contender[]> {
    const {title, port, server} = await startPostgres(stack);
    const {modules, version} = await peers.install(...packages.pgBoss);
    const driver = await startDriver('pg-boss', {modules, port, folder: ''}, stack);
    behind.push(`pg-boss ${version} on ${title}`);
    return bothWays('pg-boss', 'send', 'insert', driver, server.pids);
  }

  async function bullmq(): Promise<Contender[]> {
    const {title, port, server} = await startRedis(stack);
    const {modules, version} = await peers.install(...packages.bullmq);
    const driver = await startDriver('bullmq', {modules, port, folder: ''}, stack);
    behind.push(`BullMQ ${version} on ${title}`);
    return bothWays('BullMQ', 'add', 'addBulk', driver, server.pids);
  }
}

/** With its call for one item, and with its call for many, which differ only in how they accept. */
function bothWays(name: string, one: string, many: string, driver: Driver, servers: readonly number[]): Contender[] {
  const {accept} = driven('', driver, servers, true);
  return [
    driven(`${name}, \`${one}\``, driver, servers),
    {title: `${name}, \`${many}\` of what waits`, ...(accept && {accept})},
    fronted(`${name} ${behindHttp}, \`${one}\``, driver, servers, false),
    fronted(`${name} ${behindHttp}, \`${many}\` of what waits`, driver, servers, true),
  ];
}

/** Called over HTTP, as the core is. */
function fronted(title: string, driver: Driver, servers: readonly number[], isBatched: boolean): Contender {
  let port: number | undefined;
  return {
    title,

    async accept({producers, bytes, seconds}) {
      await driver.ask('empty', {});
      port ??= await driver.ask('front', {isBatched});
      return postAll(`http://127.0.0.1:${port}/`, [driver.pid, ...servers], {producers, bytes, seconds});
    },
  };
}

function driven(title: string, driver: Driver, servers: readonly number[], isBatched = false): Contender {
  const pids = [driver.pid, ...servers];
  return {
    title,

    async accept(options) {
      await driver.ask('empty', {});
      const before = cpuMicros(pids);
      const rate = await driver.ask('accept', {...options, isBatched});
      return measured(rate, (cpuMicros(pids) - before) / rate.count);
    },

    async claim(options) {
      return measured(await driver.ask('claim', options));
    },

    ...(servers.length > 0 && {
      async start(options) {
        return measured(await driver.ask('start', options));
      },
    }),
  };
}
