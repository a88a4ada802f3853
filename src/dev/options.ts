/** What was chosen for a run of `dev`, of one function or of several. What is absent is decided by the environment, by `.env`, or by default. */
export interface DevOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Read instead of `.env` in the folder; it must exist. */
  readonly envFile?: string | undefined;
  readonly isPrivate?: boolean | undefined;
  /** Edits are served when a reload is asked for, and not before. */
  readonly isStill?: boolean | undefined;
  /** The function, or the list of several, is opened in the browser once it serves. */
  readonly opens?: boolean | undefined;
}
