/**
Does work that may fail for reasons that do not matter, such as a file of /proc that does not exist.

@returns undefined when it failed
*/
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
