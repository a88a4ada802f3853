import type {ListedHouse} from '../trigger.ts';

/*
What a trigger for a message system is made of. A system is a folder of `triggers/`: it connects, takes messages, and knows
how each is acknowledged there. Everything else is the same for all and stands in this folder.
*/

/** One message that a broker has handed out. */
export interface Message {
  /** Names it among all messages of its source, also when it is delivered again; undefined where nothing does. */
  readonly key: string | undefined;
  /** Where there is no `key`: names it among those that the broker has handed out and that are not acknowledged, also over the next connection. */
  readonly handle?: string | undefined;
  /** Wall time at which it was sent, in milliseconds since 1970, by the broker: the same whenever it is delivered. */
  readonly sentAt: number | undefined;
  readonly body: Buffer;
  /** Media type of the body; '' when it is not known. */
  readonly contentType: string;
  /** Name, value, name, value … as Unicode; the function reads them as headers of the event. */
  readonly attributes: readonly string[];
  /** What the function reads in `requestContext.message`, beside its id and attempt. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Queue, topic or stream it comes from. */
  readonly destination: string;
  /** Which time it is delivered, from 1, where the broker counts. */
  readonly attempt?: number | undefined;
  /** False when it is certain that it was not delivered before. */
  readonly mayBeAgain: boolean;
  /** True: the broker delivers it for the first time. One that is known all the same was sent again, so a dead letter is tried anew. */
  readonly isFresh?: boolean;
  /**
  Messages with the same are handled one after another, in the order in which they are taken. When one goes back to the broker,
  those that wait behind it do, too.
  */
  readonly lane?: string | undefined;
  /** True: the broker forgot it when it handed it out, so a stop waits for it as for one that runs. */
  readonly isForgotten?: boolean;
  /** Failed attempts after which it is put aside, when the entry does not say how many. */
  readonly attempts?: number;
  /** False when the broker has handed it on to another core meanwhile: then no further attempt is begun. Absent where it does not say. */
  isOurs?(): boolean;
  /** Called when the journal does not know it. */
  isNew?(): void;
  /** It is done: the broker forgets it. */
  accept(): Promise<void>;
  /** The broker delivers it again, later if it can. Absent where it delivers again only when the connection is lost. */
  giveBack?(afterMs: number): Promise<void>;
  /** The broker puts it aside for people to look at. Absent where it has no such place. */
  bury?(why: string): Promise<void>;
  /** Tells the broker that it is still worked on. */
  extend?(): Promise<void>;
}

/** Messages that wait at the broker. */
export interface Lag {
  readonly count: number;
  /** When the oldest was sent. */
  readonly oldest?: number | undefined;
}

/** What takes messages of a connection. */
export interface Inlet {
  /** Aborts when no further message is wanted. Those that were taken still need the connection, which is so disposed of later. */
  readonly signal: AbortSignal;
  /** Most messages that are held at a time: what a broker that pushes may hand out. */
  readonly most: number;
  /** Most bytes of messages that are held at a time, or wait in the client: what may be asked for at once. */
  readonly mostBytes: number;
  /** How many of them are left. */
  roomBytes(): number;
  /** Messages that have room now, if each is as large as the largest of late. */
  free(): number;
  /** Waits for room. @returns how many messages may be taken now; 0 when no further one is wanted */
  room(): Promise<number>;
  /** The same for who asks the broker for many at once: where little room is left, it waits for milliseconds until there is more. */
  roomForMany(): Promise<number>;
  /** Waits for room also when no further message is wanted: for what the broker has forgotten. */
  roomAnyway(): Promise<void>;
  /** Takes a message; one beyond `most` waits for its turn. Resolves when the broker was told what became of it, or cannot be told. Never rejects. */
  take(message: Message): Promise<void>;
}

export interface Connection extends AsyncDisposable {
  /** How often a message that is worked on is extended; absent where nothing runs out. */
  readonly extendMs?: number;
  /** Takes messages until the signal aborts. @throws when the connection is lost, at once, though calls still run */
  consume(inlet: Inlet): Promise<void>;
  /** It is lost, and another one is made next: ends what would be in its way. What was taken may still be settled. */
  leave?(): Promise<void>;
  /** Absent where the broker does not say. */
  lag?(): Promise<Lag | undefined>;
}

/** What a connection may use of the house. `core` names this start of this core. */
export interface ConnectHouse extends Pick<ListedHouse, 'clock' | 'log' | 'name' | 'core'> {
  /** Aborts when nobody waits for the connection any more, though it is not made: what is open of it is closed. */
  readonly givenUp?: AbortSignal;
}

/** Connects. `most` is the inlet's. @throws Error when the broker is away, or refuses */
export type Connect = (house: ConnectHouse, most: number) => Promise<Connection>;

/** What a system of messages reads from an entry of the list, beside what is its own. */
export interface Terms {
  /** Most messages that are called with at a time; undefined for as many as half of the places. */
  readonly concurrency: number | undefined;
  /** `settled`: a message is acknowledged when the function has succeeded. `accepted`: when work has taken it. */
  readonly ack: 'settled' | 'accepted';
  /** Attempts after which a message is buried; undefined for no end. */
  readonly attempts: number | undefined;
  /** Wait before the second attempt; it doubles with each. */
  readonly retryMs: number;
}
