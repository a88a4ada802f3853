import type {ChildProcess} from 'node:child_process';
import type {EventEmitter} from 'node:events';
import type {CoreView} from '../../admin/core-view.ts';
import type {Readiness} from '../../admin/readiness.ts';
import type {Clock} from '../../clock.ts';
import type {ExitReason} from '../../facts.ts';
import type {JournalWriter} from '../../journal.ts';
import {readLines} from '../../workers/output/lines.ts';
import {forkSibling} from './fork.ts';
import {Pulse} from './pulse.ts';
import {Channel} from './wire.ts';
import type {Account, ToLeader, ToSibling, WrittenRecord} from './words.ts';

export interface SiblingHouse {
  readonly clock: Clock;
  readonly journal: JournalWriter;
  /** Called with each line of a sibling's log, which is a whole record already. */
  line(text: string): void;
  /** Called when its end has cut off a record of its log. */
  lineTorn(): void;
}

export interface SiblingEnd {
  readonly reason: ExitReason;
  readonly code: number | null;
  readonly signal: string | null;
}

/** A sibling that does not listen after this time is ended. */
const startMs = 60_000;
/** A sibling that shows no sign of life for 5 s is ended: it was stopped, or its event loop stands still. */
const pulse = {lookMs: 1000, silentAfter: 5};
/** Longest wait for an answer that a healthy sibling has at once. */
const answerMs = 1000;
/** A record of a sibling's log that is longer comes in parts, which are no JSON; one that a function can cause is much shorter. */
const longestRecordBytes = 8 * 2 ** 20;
/** What it had sent and logged before its end is read within this time. */
const lastWordsMs = 1000;

/** One core process beside this one, from its start to its end. */
export class SiblingProcess {
  /** Resolves when it listens, or has ended. */
  readonly listening: Promise<void>;
  readonly ended: Promise<SiblingEnd>;
  /** Its newest account. */
  account: Account | undefined;
  readonly #house: SiblingHouse;
  readonly #process: ChildProcess | undefined;
  readonly #channel: Channel<ToSibling, ToLeader>;
  readonly #listening = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<SiblingEnd>();
  readonly #stopStartTimer: () => void;
  #pulse: Pulse | undefined;
  #hasEnded = false;
  /** Why the leader ended it, if it did. */
  #verdict: ExitReason | undefined;

  /** @param onSilent called when it shows no sign of life: it is ended already */
  constructor(env: Readonly<Record<string, string | undefined>>, house: SiblingHouse, onSilent: () => void) {
    this.#house = house;
    this.listening = this.#listening.promise;
    this.ended = this.#ended.promise;
    this.#process = forkSibling(env);
    if (!this.#process) house.clock.after(0, () => this.#over({reason: 'unspawnable', code: null, signal: null}));
    this.#channel = this.#open(onSilent);
    this.#stopStartTimer = house.clock.after(startMs, () => this.end('never-ready'));
    if (this.#process?.stdout) readLines(this.#process.stdout, house.line, {longestBytes: longestRecordBytes, torn: house.lineTorn});
    this.#process?.once('exit', (code, signal) => void this.#exited(code, signal));
    // Node also emits it for messages that did not arrive; an exit has an event of its own.
    this.#process?.on('error', () => {
      if (this.pid === undefined) this.#over({reason: 'unspawnable', code: null, signal: null});
    });
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** It listens, and shows signs of life. */
  get isServing(): boolean {
    return this.#pulse !== undefined && !this.#pulse.isLate && !this.#hasEnded;
  }

  /** What it can do now; it is not asked when it shows no sign of life. */
  async readiness(): Promise<Readiness> {
    if (!this.#pulse) return {ready: false, phase: 'restarting', cause: 'a core process is being started'};
    if (!this.isServing) return silent;
    return this.#channel.ask('readiness', undefined, answerMs).catch(() => silent);
  }

  /** @returns undefined when it does not answer soon */
  async processes(): Promise<CoreView | undefined> {
    return this.isServing ? this.#channel.ask('processes', undefined, answerMs).catch(() => undefined) : undefined;
  }

  /** Brings its account up to date, when it answers soon. */
  async refresh(): Promise<void> {
    if (!this.isServing) return;
    const account = await this.#channel.ask('account', undefined, answerMs).catch(() => undefined);
    if (account && !this.#hasEnded) this.account = account;
  }

  /** @returns undefined when the new code is serving, or will be, as this process ended meanwhile; else why not */
  async reload(limitMs: number): Promise<string | undefined> {
    return this.#channel.ask('reload', undefined, limitMs).catch((error: Error) => (this.#hasEnded ? undefined : error.message));
  }

  /** Lets it drain. Resolves when it has ended. @returns true when it has reported what became of its events */
  async stop(limitMs: number): Promise<boolean> {
    const last = await this.#channel.ask('stop', undefined, limitMs).catch(() => undefined);
    if (last) this.account = last;
    if (this.#process?.connected) this.#process.disconnect(); // it has closed everything, and exits
    const stopTimer = this.#house.clock.after(last ? answerMs : 0, () => this.end('stopped'));
    await this.ended;
    stopTimer();
    return last !== undefined;
  }

  /** KILL, at once. */
  end(reason: ExitReason): void {
    this.#verdict ??= reason;
    this.#process?.kill('SIGKILL');
  }

  #open(onSilent: () => void): Channel<ToSibling, ToLeader> {
    const {journal, clock} = this.#house;
    const wire = {
      // A message to a process that is ending may fail; a callback keeps that from being an error of the process.
      send: (message: object) => void (this.#process?.connected && this.#process.send(message, () => {})),
      on: (event: 'message', listener: (message: unknown) => void) =>
        this.#process?.on(event, message => {
          this.#pulse?.beat(); // every message is a sign of life
          listener(message);
        }),
    };
    return new Channel<ToSibling, ToLeader>(
      wire,
      {
        listening: () => {
          this.#stopStartTimer();
          this.#pulse = new Pulse(
            {
              ...pulse,
              onSilent: () => {
                this.end('stuck');
                onSilent();
              },
            },
            clock,
          );
          this.#listening.resolve();
          return undefined;
        },
        beat: account => {
          this.account = account;
          return undefined;
        },
        append: ({stream, facts, options}) => journal.append(stream, facts, options),
        record({text, payloads}) {
          const records: WrittenRecord[] = JSON.parse(text);
          for (const [index, [stream, facts]] of records.entries()) journal.record(stream, facts, payloads.get(index));
          return undefined;
        },
      },
      clock,
    );
  }

  /** Messages and lines that it sent before its end may still have to be read. */
  async #exited(code: number | null, signal: string | null): Promise<void> {
    const {clock} = this.#house;
    const stdout = this.#process?.stdout;
    const late = Promise.withResolvers<void>();
    const stopTimer = clock.after(lastWordsMs, late.resolve);
    const isDisconnected = this.#process?.connected && emitted(this.#process, 'disconnect');
    const isRead = stdout && !stdout.closed && emitted(stdout, 'close');
    await Promise.race([Promise.all([isDisconnected, isRead]), late.promise]);
    stopTimer();
    stdout?.destroy(); // nobody logs its lines any more
    const seen = signal !== null ? 'signal' : code === 0 ? 'exit-zero' : 'exit-nonzero';
    this.#over({reason: this.#verdict ?? seen, code, signal});
  }

  #over(end: SiblingEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopStartTimer();
    this.#pulse?.stop();
    this.#channel.close();
    this.#listening.resolve();
    this.#ended.resolve(end);
  }
}

/** Resolves when the source emits the event. An error of the source does not end the wait: the event still comes. */
const emitted = (source: EventEmitter, event: string) => new Promise<unknown>(resolve => source.once(event, resolve));

const silent: Readiness = {ready: false, phase: 'restarting', cause: 'a core process does not answer'};
