/** One message system, as the bench uses it: it publishes, sees what is left, and knows how a plain loop reads. */
export interface MessageSystem {
  /** With its version, and what its promise depends on. */
  readonly title: string;
  /** As many of the usual messages are published at once; absent for all. */
  readonly part?: number;
  /** The entry of CORE_TRIGGERS, without its name. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** The program of a plain loop and its arguments: it reads with the client library and calls the handler in its own process. */
  readonly loop: readonly string[];
  /** Resolves when the broker has all of them. */
  publish(bodies: readonly string[]): Promise<void>;
  /** How many are not acknowledged yet. */
  left(): Promise<number>;
  /** Forgets everything. */
  empty(): Promise<void>;
}
