import type {ExecutionContext} from 'ava';

/* A message system as the suite of triggers needs it. */

export interface Sent {
  readonly body: string;
  /** In place of the body, where it may be any bytes. */
  readonly bytes?: Buffer;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A broker with one source of messages that a test has for itself. */
export interface Source {
  /** The members of the entry of CORE_TRIGGERS. Deliveries that fail come again within a few seconds. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** Resolves when the broker has them. */
  send(messages: readonly Sent[]): Promise<void>;
  /** How many the broker still has, those included that are being handled. */
  left(): Promise<number>;
  /** The bodies that were put aside. */
  buried?(): Promise<readonly string[]>;
}

export interface Broker {
  /** Why it cannot be tried here; undefined when it can. */
  readonly missing: string | undefined;
  /** Makes a source for a test. The broker is started, and ended with the test. */
  open(t: ExecutionContext): Promise<Source & {kill(): Promise<void>; restart(): Promise<void>}>;
  /** What the function reads in `requestContext.eventType`. */
  readonly type: string;
  /** False where attributes do not travel with a message. */
  readonly hasAttributes: boolean;
  /** True where nothing names a message, so that one that comes again is another invocation. */
  readonly hasNoIds?: boolean;
  /** True where a body may be any bytes, and attributes may have any name. */
  readonly carriesBytes?: boolean;
  /** The member of the entry that says how long a message that is worked on stays with its core; absent where it stays for ever. */
  readonly lease?: 'lease' | 'session';
  /** True where the core takes only as many messages as have room in its memory. */
  readonly isBounded?: boolean;
  /** Most messages that one kill can make the function see again, where these are more than run at a time. */
  readonly mostAgain?: number;
  /** False where a message that was being handled when its core was killed may be lost or never come again. */
  readonly keepsUnacknowledged: boolean;
}

/** False when the broker is not there, or takes none yet. */
export const isSent = (source: Source, messages: readonly Sent[]) =>
  source.send(messages).then(
    () => true,
    () => false,
  );
