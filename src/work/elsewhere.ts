/**
What the cores that share a journal tell each other about work. An engine for one core has none of it. What is told may be
told too often, and may be missed.
*/
export interface WorkElsewhere {
  /**
  Tells which items this core runs that are not its own any more, as its lease was over before it gave a sign of life. The
  engine itself extends the lease.
  */
  onLost(tell: (ids: readonly string[]) => void): void;
  /** Tells that another core has brought something that may be due. */
  onDue(tell: () => void): void;
  /** Tells which items are over, or dead letters, that other cores have ended. */
  onOver(tell: (id: string) => void): void;
  /** Asks the core that runs an item, if one does, to stop it. */
  stopElsewhere(id: string): Promise<void>;
  /** Tells which item another core asks to stop; it may run here or not. */
  onStop(tell: (id: string) => void): void;
}
