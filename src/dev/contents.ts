import {createHash} from 'node:crypto';
import {readFileSync, statSync} from 'node:fs';

/** Larger files are not read: they count as new whenever they are written. */
const largestBytes = 2 ** 20;

/**
Tells files that were edited from those that were written with what they held. Code that writes a file beside itself as it is
loaded, such as a generated module, would otherwise reload itself without an end.
*/
export class Contents {
  readonly #known = new Map<string, string>();

  /** Whether a file holds something else than when it was last asked about; the first time, that is not known, and it does. */
  isNew(file: string): boolean {
    const content = contentOf(file);
    const before = this.#known.get(file);
    if (content === undefined) this.#known.delete(file);
    else this.#known.set(file, content);
    return content === undefined || content !== before;
  }
}

/** @returns undefined when it is gone, or cannot be compared */
function contentOf(file: string): string | undefined {
  try {
    const stats = statSync(file);
    return stats.isFile() && stats.size <= largestBytes ? createHash('sha256').update(readFileSync(file)).digest('base64') : undefined;
  } catch {
    return undefined; // it was just removed
  }
}
