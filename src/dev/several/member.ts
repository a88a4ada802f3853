import type {ChildProcess} from 'node:child_process';
import type {Clock} from '../../clock.ts';
import type {Wish} from '../wish.ts';
import {follow} from './follow.ts';
import type {Behind} from './front.ts';
import type {Listed} from './list.ts';
import type {PlannedFunction} from './plan.ts';
import type {Teller} from './stage.ts';
import {listedAs, type Place, placeOf, type State} from './state.ts';
import type {ToDev, ToFunction, Up} from './words.ts';

export interface MemberHouse {
  readonly clock: Clock;
  readonly teller: Teller;
  /** Starts the process of the function. @param writesLog its log goes to our stdout */
  fork(writesLog: boolean): ChildProcess;
  /** The wish with the ports and the address of this function's core. */
  placed(wish: Wish): Promise<Wish>;
  /** Where callers find it. */
  url(): string;
  /** Where browsers find its console. */
  consoleUrl(): string;
}

/** A process is started this long after the one before it, so that one that ends at once does not take the machine. */
const againMs = 1000;

/** One of several functions: a core in a process of its own, which is started again when it has ended and is called. */
export class Member implements Behind {
  readonly name: string;
  #planned: PlannedFunction;
  readonly #house: MemberHouse;
  #state: State = {kind: 'absent', problem: 'it was not started'};
  #process: ChildProcess | undefined;
  #started: Promise<void> | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #isStopping = false;
  /** Its process was asked to end. */
  #isEnding = false;

  constructor(planned: PlannedFunction, house: MemberHouse) {
    this.name = planned.name;
    this.#planned = planned;
    this.#house = house;
  }

  get listed(): Listed {
    return listedAs(this.#state, {name: this.name, url: this.#house.url(), console: this.#house.consoleUrl()});
  }

  /** What its core has reported; undefined when it does not serve. */
  get up(): Up | undefined {
    return this.#state.kind === 'serving' ? this.#state.up : undefined;
  }

  /** Resolves when it serves, or does not. */
  start(): Promise<void> {
    this.#started ??= this.#start().finally(() => {
      this.#started = undefined;
    });
    return this.#started;
  }

  async reach(): Promise<Place> {
    const isDown = this.#state.kind === 'absent' || this.#state.kind === 'ended';
    if (isDown && !this.#isStopping) await this.start();
    else await this.#started;
    return placeOf(this.#state, 'url');
  }

  /** Where its private listener is now. Who looks at a function does not start it. */
  get privatePlace(): Place {
    return placeOf(this.#state, 'adminUrl');
  }

  reload(): void {
    this.#say({kind: 'reload'});
  }

  /** Whether it is served as planned. */
  plans({signature}: PlannedFunction): boolean {
    return this.#planned.signature === signature;
  }

  /** Starts it anew, as it is planned now. Calls wait meanwhile. */
  replan(planned: PlannedFunction): Promise<void> {
    this.#planned = planned;
    const before = this.#started;
    this.#started = (async () => {
      await before;
      await this.#end();
      await this.#start();
    })().finally(() => {
      this.#started = undefined;
    });
    return this.#started;
  }

  /** Lets requests in flight finish; a second time: stops at once. Resolves when the process has ended. */
  stop(): Promise<void> {
    this.#isStopping = true;
    return this.#end();
  }

  kill(): void {
    this.#isStopping = true;
    this.#process?.kill('SIGKILL');
  }

  async #end(): Promise<void> {
    const running = this.#process;
    if (!running) return;
    this.#state = {kind: 'starting'};
    this.#isEnding = true; // its end is expected, and not reported
    running.kill('SIGTERM');
    await new Promise(resolve => running.once('close', resolve));
  }

  async #start(): Promise<void> {
    try {
      await this.#startOrThrow();
    } catch (error) {
      this.#is('ended', error instanceof Error ? error.message : String(error));
    }
  }

  /** @throws when a port or the file of variables cannot be had, or the system refuses the process */
  async #startOrThrow(): Promise<void> {
    const {clock, placed} = this.#house;
    const found = this.#planned.find();
    if ('problem' in found) {
      this.#is('absent', found.problem);
      return;
    }
    this.#state = {kind: 'starting'};
    const [wish] = await Promise.all([placed(found), clock.sleep(this.#startedAt + againMs - clock.monotonic())]);
    if (this.#isStopping) return;
    this.#startedAt = clock.monotonic();
    await this.#run(wish);
  }

  /** Resolves when the process serves or has ended. */
  #run(wish: Wish): Promise<void> {
    const {teller, fork} = this.#house;
    const settled = Promise.withResolvers<void>();
    const running = fork(teller.feed === undefined);
    this.#process = running;
    this.#isEnding = false;
    follow(running, {
      isStarting: () => this.#state.kind === 'starting',
      logged: teller.logged,
      noted: teller.noted,
      said: words => {
        this.#hear(words);
        if (words.kind === 'serving') settled.resolve();
      },
      ended: reason => {
        this.#process = undefined;
        teller.ended();
        if (!this.#isEnding) this.#is('ended', reason);
        settled.resolve();
      },
    });
    this.#say({kind: 'serve', wish, observes: teller.feed !== undefined});
    return settled.promise;
  }

  #hear(words: ToDev): void {
    const {teller} = this.#house;
    if (words.kind === 'observed') teller.feed?.(words.observation);
    else if (words.kind === 'noted') teller.noted(words.line);
    else if (words.kind === 'serving') this.#state = {kind: 'serving', up: words};
    else {
      teller.reloaded(words.outcome);
      if (this.#state.kind === 'serving' && words.outcome.kind === 'reloaded') {
        const {error: _, ...up} = this.#state.up;
        this.#state = {kind: 'serving', up};
      }
    }
  }

  #is(kind: 'absent' | 'ended', problem: string): void {
    const isNews = this.#state.kind !== kind || this.#state.problem !== problem;
    this.#state = {kind, problem};
    if (!isNews || this.#isStopping) return;
    const what = kind === 'absent' ? 'Not served' : 'Ended, while the other functions go on';
    this.#house.teller.noted(`${what}: ${problem}. It is tried again when it is called`);
  }

  /** It may have ended, which its exit says. */
  #say(words: ToFunction): void {
    if (this.#process?.connected) this.#process.send(words, () => {});
  }
}
