/** What a message has besides its body. */
export type Fields = Readonly<Record<string, string>>;

/** A message that came. */
export interface Message {
  readonly subject: string;
  readonly reply: string;
  /** Of the server's own messages: 204, 404 …; 0 for any other. */
  readonly code: number;
  field(name: string): string;
  readonly body: Uint8Array;
}

/** The connection to the servers. A test puts one of its own in between. */
export interface Transport {
  /** The largest message, in bytes. */
  readonly mostBytes: number;
  readonly isConnected: boolean;
  /** As the server says that it answered. */
  readonly server: {
    readonly name: string;
    readonly version: string;
    readonly level: number;
    readonly peers: number;
    readonly hasJetStream: boolean;
  };
  /** Sends, and waits for the answer. @param ms how long @throws Away */
  request(subject: string, body: string | Uint8Array, fields?: Fields, ms?: number): Promise<Message>;
  /** Sends, and waits for nothing. */
  publish(subject: string, body: string | Uint8Array, fields?: Fields): void;
  /** Sends, and gathers messages until the server's own says that there are no more; that is the last one. @throws Away */
  gather(subject: string, body: string): Promise<readonly Message[]>;
  /** @returns ends it */
  subscribe(subject: string, hear: (message: Message) => void): () => void;
  /** Called when the servers are away, and when they are back. */
  onChange(tell: (isConnected: boolean) => void): void;
  /** Calls whenever what was told may not have been heard: when the servers are back, or another one was chosen. */
  onBreak(tell: () => void): void;
  /**
  Asks the other servers of the list, on connections of their own, and goes on at the first that proves itself.

  @returns whether one did
  */
  change(proves: (request: Transport['request']) => Promise<boolean>): Promise<boolean>;
  close(): Promise<void>;
}

/** No server answered: what was asked for may have been done all the same. */
export class Away extends Error {
  static {
    Away.prototype.name = 'Away';
  }
  /** A server may be there, and did not answer in time. */
  readonly isLate: boolean;

  constructor(message: string, {isLate = false, ...options}: ErrorOptions & {isLate?: boolean} = {}) {
    super(message, options);
    this.isLate = isLate;
  }
}
