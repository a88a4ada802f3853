/** The result of work that may fail for reasons that do not matter, such as a file of /proc that does not exist; undefined then. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
