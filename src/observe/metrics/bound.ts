/** The child of a metric with these labels. To look labels up costs more than to count, so each child is bound once. */
export function bound<T>(known: Map<string, T>, key: string, bind: () => T): T {
  let child = known.get(key);
  if (child === undefined) {
    child = bind();
    known.set(key, child);
  }
  return child;
}
