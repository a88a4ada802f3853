import type {Clock} from './clock.ts';
import type {CommandTable} from './command/command.ts';
import type {Carrier, Delivery} from './delivery.ts';
import type {Cores, Journal} from './journal.ts';
import type {Budget} from './limits/budget.ts';
import type {Log} from './log.ts';
import type {Meter} from './meter.ts';
import type {Route} from './route.ts';
import type {Environment, Parsed, Settings} from './settings/setting.ts';
import type {WorkHall} from './work/hall.ts';

/** The parts of the core that every trigger gets. */
export interface House {
  /** Sends a delivery through the stages. Never rejects: the delivery's `reply` gets every outcome. */
  deliver(delivery: Delivery, carrier?: Carrier): Promise<void>;
  /** Answers with the metrics, behind the same authentication as the function. */
  scrape(delivery: Delivery, carrier: Carrier): Promise<void>;
  /** Aborts when the grace time of a stop is over: what is still in flight is cut off. */
  readonly hurry: AbortSignal;
  /** The names of the core's own triggers; their deliveries have them as their source, alone or before a colon. */
  readonly kinds: readonly string[];
  /** The protocol passes requests through as they stand. */
  readonly passes: boolean;
  /** `open`: a body is not received before the function is called. */
  readonly bodies: 'whole' | 'open';
  /** True when other processes of this core listen on the same port. */
  readonly isShared: boolean;
  /** True for the process that closes the port last: connections that waited for the others may still come to it. */
  readonly closesLast: boolean;
  /** The account to which a trigger charges the bytes that it holds for others. */
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** What a trigger gets, too, that claims work in the journal. Only the process that owns the journal opens such triggers. */
export interface ClaimingHouse extends House {
  /** Where work is claimed, so that only one of several cores does it. */
  readonly journal: Journal;
  /** This boot of this core, as its claims name it. */
  readonly core: string;
  /** The work of this core; undefined when CORE_WORK is off, or the journal keeps none. */
  readonly hall?: WorkHall | undefined;
  /** The environment of the core: entries name variables in it that hold their secrets. */
  readonly env: Environment;
  /** How many calls run at once when every sub-runtime is busy. */
  places(): number;
  /** The cores that may have claimed work in the journal, too. */
  readonly cores: Cores;
}

/** A trigger that delivers. Disposing stops new deliveries at once and waits for those in flight. */
export interface OpenTrigger extends AsyncDisposable {
  /** Where it can be reached, when it can. */
  readonly url?: string;
  /** Why it delivers nothing now, such as a lost connection; undefined when nothing is wrong. Meanwhile the core is not ready. */
  problem?(): string | undefined;
  /** What is wrong with it while the function can be called all the same, such as a broker that is away: /readyz shows it. */
  detail?(): string | undefined;
  /** The name of the part of it from which an uncaught error comes; undefined when the error is not from here. */
  originOf?(error: unknown): string | undefined;
}

/**
A kind of trigger. Its name is its key in `triggers/index.ts`. Without its settings a trigger is off: `open` then loads
nothing and connects to nothing.
*/
export interface TriggerPlugin<S extends Settings, H extends House = ClaimingHouse, O extends OpenTrigger = OpenTrigger> {
  readonly settings: S;
  /**
  True when every process of a core opens it, as each listens on the same port. By default only the leader opens it. The
  other processes cannot claim work, so only a trigger that needs no more than a House may declare it.
  */
  readonly runsBeside?: House extends H ? true : undefined;
  /** True when every process of a core opens it that has a journal of its own, as each has where several cores share one. */
  readonly claimsBeside?: true | undefined;
  /** True when, with these settings, it relies on a journal that outlives the process. */
  needsJournal?(section: Parsed<S>): boolean;
  /** Starts deliveries. */
  open(section: Parsed<S>, house: H): Promise<O>;
  /** What it adds to the private listener. @param opened gives the open trigger. @throws Refusal NOT_READY while it is not open yet */
  routes?(opened: () => O): readonly Route[];
  /** What it adds to the command line. A command has only the environment; it reaches the open trigger by the private listener. */
  readonly commands?: CommandTable;
}

/**
A kind of trigger that is used by name in CORE_TRIGGERS. A package exports it as `trigger`; each entry of the list whose
`type` names the package opens it once.
*/
export interface ListedTrigger<Options = unknown> {
  /** The version of this contract. */
  readonly contract: 1;
  /** Reads the members of an entry besides `type` and `name`. @throws Error that says what is wrong with them */
  read(options: Readonly<Record<string, unknown>>): Options;
  /** Starts deliveries. */
  open(options: Options, house: ListedHouse): Promise<OpenTrigger>;
}

/** What a trigger of the list gets. */
export interface ListedHouse extends ClaimingHouse {
  /** The name of its entry: no other has it. */
  readonly name: string;
}
