import type {Clock} from '../clock.ts';
import type {Fact} from '../facts.ts';
import type {ReplyTurns} from '../limits/reply-turns.ts';
import type {FunctionLine, Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import type {Protocol} from '../protocol.ts';
import type {FunctionSpec, Runtimes, StartRecord} from '../runtime.ts';
import type {LifecycleState} from './process/lifecycle.ts';
import type {PlaceView} from './process/view.ts';

export interface WorkersOptions {
  readonly spec: FunctionSpec;
  /** What the function gets from the user's environment; the variables of the contract are added to it. */
  readonly environment: Readonly<Record<string, string>>;
  /** `http`: no sub-runtime is offered the channel. */
  readonly hop: 'auto' | 'http';
  readonly protocol: Protocol;
  /** A server that listens beyond loopback is ended; else only said. */
  readonly refusesExposed: boolean;
  readonly host: string;
  /** The port of the first sub-runtime; 0: any free one. */
  readonly port: number;
  /** Sub-runtimes kept running. */
  readonly workers: number;
  readonly concurrency: number | undefined;
  readonly queueLength: number;
  readonly queueWaitMs: number;
  /** Longest time of a call. */
  readonly timeoutMs: number;
  readonly startTimeoutMs: number;
  /** Early exits that are allowed within the policy's period; after more the sub-runtime is given up. */
  readonly restarts: number;
  readonly maxReplyBytes: number;
  readonly user: {readonly uid: number; readonly gid: number} | undefined;
  readonly memoryBytes: number | undefined;
  /** Where memory is scarce. */
  readonly replyTurns?: ReplyTurns | undefined;
}

export interface WorkersHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  facts(facts: readonly [Fact, ...Fact[]]): void;
  line(line: FunctionLine): void;
  /** A start is over. `isReported`: an invocation that waited for the start has its record, and reports it. */
  started(record: StartRecord, isReported: boolean): void;
}

/** How newer code takes over. */
export interface Takeover {
  /** What the function gets from the user's environment from now on. By default what it got before. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
  True: takes the place of a reload that is under way, and where calls still run in four processes of older code, the oldest loses
  them. By default it is refused then.
  */
  readonly supersedes?: boolean;
}

export interface Workers extends AsyncDisposable {
  readonly runtimes: Runtimes;
  /** The state of every place in the pool. */
  states(): readonly LifecycleState[];
  /** What the function gets from the user's environment, since the newest takeover. */
  environment(): Readonly<Record<string, string>>;
  /** What is shown of every place. */
  places(): readonly PlaceView[];
  /** How many processes exist in every place of the pool: two at most, five with those in which calls finish behind reloads. */
  processes(): readonly number[];
  /** Sub-runtimes that take calls. */
  ready(): number;
  isOverloaded(): boolean;
  residentBytes(): number;
  /** Lets newer code take over, one process after another. @returns undefined, or why the old code serves on */
  reload(takeover?: Takeover): Promise<string | undefined>;
  /** The grace time of a stop is over: refuses the callers that wait, and breaks off the calls. @returns how many waited */
  cutOff(): number;
  /** Ends every sub-runtime at once, for an exit that cannot wait. */
  kill(): void;
}
