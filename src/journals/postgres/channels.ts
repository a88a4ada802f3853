/** The channels on which cores hear of commits of others: a wake-up, never a message, as what is sent while nobody listens is lost. */
export const channels = (schema: string) => ({
  facts: `${schema}_facts`,
  /** There may be work to claim. */
  work: `${schema}_work`,
  /** An item of work is over: its id. */
  over: `${schema}_over`,
  /** The core that runs an item is to stop it: its id. */
  stop: `${schema}_stop`,
});

export type Heard = keyof ReturnType<typeof channels>;
