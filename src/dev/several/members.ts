import {systemClock} from '../../clock.ts';
import type {Environment} from '../../settings/setting.ts';
import type {DevOptions} from '../options.ts';
import {freePort} from '../ports.ts';
import {keyForRun} from '../private-here.ts';
import {type Wish, withoutFile} from '../wish.ts';
import {environmentOfEach} from './each.ts';
import {forkFunction} from './fork.ts';
import {journalsApart} from './journals.ts';
import type {Listed} from './list.ts';
import {Member} from './member.ts';
import type {Plan, PlannedFunction} from './plan.ts';
import type {Served, Stage} from './stage.ts';

const loopback = '127.0.0.1';

/** Where callers find the front, and browsers the console. */
export interface Urls {
  front(): string;
  console(): string;
}

/** The functions that are served side by side, as they come and go. */
export class Members {
  /** There is one function, and it gets what names none. */
  isAlone = false;
  readonly #members = new Map<string, Member>();
  readonly #env: Environment;
  readonly #options: DevOptions;
  readonly #stage: Stage;
  readonly #urls: Urls;
  readonly #apart: (name: string, wish: Wish) => Wish;
  readonly #openToDeveloper: (wish: Wish, env: Environment) => Promise<Wish>;
  #nextAdminPort: number;
  #portTurn: Promise<unknown> = Promise.resolve();
  #isFirst = true;

  /** @param adminPort of the first private listener; each takes the next one that is free. 0: any */
  constructor(env: Environment, options: DevOptions, stage: Stage, {adminPort, ...urls}: Urls & {readonly adminPort: number}) {
    this.#env = forEach(env, stage);
    this.#options = options;
    this.#stage = stage;
    this.#urls = urls;
    this.#apart = journalsApart(this.#env);
    this.#openToDeveloper = keyForRun(systemClock, sentence => stage.noted(sentence));
    this.#nextAdminPort = adminPort;
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  get listed(): readonly Listed[] {
    return [...this.#members.values()].map(({listed}) => listed);
  }

  get served(): readonly Served[] {
    return [...this.#members.values()].flatMap(({name, up, listed}) => (up ? [{name, url: listed.url, up}] : []));
  }

  find(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** Starts what is new in a plan, starts anew what has changed, and stops what is gone. Resolves when each serves, or does not. */
  async follow(plan: Plan): Promise<void> {
    const isNews = !this.#isFirst;
    this.#isFirst = false;
    this.isAlone = plan.isAlone;
    const {noted} = this.#stage;
    for (const [name, member] of this.#members) {
      if (plan.functions.some(planned => planned.name === name)) continue;
      this.#members.delete(name);
      member.stop();
      noted(`${name} is gone from the file, and is stopped`);
    }
    const begun = plan.functions.map(async planned => {
      const known = this.#members.get(planned.name);
      if (known?.plans(planned)) return;
      const member = known ?? this.#add(planned);
      if (isNews)
        noted(known ? `${planned.name} has changed in the file, and is started anew` : `${planned.name} is new: ${member.listed.url}`);
      await (known ? known.replan(planned) : member.start());
    });
    await Promise.all(begun);
  }

  reload(): void {
    for (const member of this.#members.values()) member.reload();
  }

  /** Lets requests in flight finish. A second time: stops at once. Resolves when each process has ended. */
  async stop(): Promise<void> {
    await Promise.all([...this.#members.values()].map(member => member.stop()));
  }

  kill(): void {
    for (const member of this.#members.values()) member.kill();
  }

  #add(planned: PlannedFunction): Member {
    const {name} = planned;
    const {envFile, isPrivate, isStill} = this.#options;
    let port: Promise<number> | undefined;
    const member = new Member(planned, {
      clock: systemClock,
      teller: this.#stage.tellerOf(planned),
      fork: writesLog => forkFunction(this.#env, writesLog),
      placed: async (found: Wish): Promise<Wish> => {
        const wish = this.#apart(name, found);
        port ??= this.#takeAdminPort(); // it keeps its port when it is started again
        const adminPort = await port;
        const chosen = {envFile: envFile ?? wish.envFile, isPrivate: isPrivate || wish.isPrivate, isStill};
        // The console that all share is what CORE_ADMIN_HOST opens: behind it each core is on this machine only.
        const settings = {...wish.settings, CORE_ADMIN_HOST: loopback};
        const placed = {...wish, ...chosen, host: loopback, port: 0, adminPort, settings};
        return this.#openToDeveloper(placed, withoutFile(placed, this.#env));
      },
      url: () => `${this.#urls.front()}/${name}`,
      consoleUrl: () => `${this.#urls.console()}/functions/${name}`,
    });
    this.#members.set(name, member);
    return member;
  }

  /** One after the other, as each takes the next free port. */
  #takeAdminPort(): Promise<number> {
    const found = this.#portTurn.then(async () => {
      const port = await freePort(loopback, this.#nextAdminPort);
      this.#nextAdminPort = nextPort(port);
      return port;
    });
    this.#portTurn = found.catch(() => {});
    return found;
  }
}

/** @returns 0, which is any that is free, after 0 and after the last port */
export const nextPort = (port: number): number => port && (port + 1) % 65_536;

/** The environment of every function, and a line about what is left out. */
function forEach(env: Environment, {noted}: Stage): Environment {
  const {own, dropped} = environmentOfEach(env);
  if (dropped.length > 0) noted(`${dropped.join(', ')} ${dropped.length === 1 ? 'has' : 'have'} no effect on several functions`);
  return own;
}
