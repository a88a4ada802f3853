import type {JournalReader, Position} from '../journal.ts';

/** A version of the code that was served from a position on. */
interface Version {
  readonly position: Position;
  readonly digest: string;
  readonly handler: string;
}

/** Which code was served when, as the journal tells it. */
export class Versions {
  readonly #versions: readonly Version[];

  static async read(journal: JournalReader): Promise<Versions> {
    const versions: Version[] = [];
    for await (const {position, fact} of journal.scan('runtime.')) {
      if (fact.type === 'code.loaded') versions.push({position, ...fact.data});
    }
    return new Versions(versions);
  }

  private constructor(versions: readonly Version[]) {
    this.#versions = versions;
  }

  /** The newest handler. */
  get handler(): string | undefined {
    return this.#versions.at(-1)?.handler;
  }

  /** SHA-256 of the handler's file that was served then; undefined when that is not kept any more. */
  digestAt(position: Position): string | undefined {
    return this.#versions.findLast(version => version.position < position)?.digest;
  }
}
