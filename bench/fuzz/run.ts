/** How long a run goes on, and the seed that it can be repeated with: both come from the command line. */
export const [seconds = 60, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
/** What was sent and answered, by kind. */
export const counts: Record<string, number> = {};
export const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};

/** Ends the run at the first difference. */
export function differ(what: string, details: Record<string, unknown>): never {
  console.error(`${what} (seed ${seed}):`, details);
  process.exit(1);
}
