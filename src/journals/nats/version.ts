/** The API that has all that is relied on: of the stream, 2.12 has it; that writes are synced in groups, 2.15. */
export const fewestLevel = 5;
/** Earlier servers of that API lack corrections of how they agree on what is kept. */
export const oldest = '2.15.3';

/** Whether a version is older than what is relied on. One of another form is taken for new. Pure. */
export function isOlder(version: string): boolean {
  const [own, least] = [version, oldest].map(text => /^v?(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  if (!own || !least) return false;
  const at = own.findIndex((part, index) => part !== least[index]);
  return at >= 0 && (own[at] ?? 0) < (least[at] ?? 0);
}
