import {type BigIntStats, type Dirent, type FSWatcher, readdirSync, statSync, watch} from 'node:fs';
import path from 'node:path';

export interface TreeOptions {
  /** Absolute. */
  readonly root: string;
  /** Whether a folder below the root is looked into. */
  isFolder(place: string): boolean;
  /** Whether a file counts. */
  isFile(place: string): boolean;
  /** More folders than this are not watched. By default 2000: a tree with more, such as a home directory, was hardly meant. */
  readonly mostFolders?: number;
  /** Something happened in a folder: it should be read. */
  touched(folder: string): void;
  /** Why some edits will not be seen, in a sentence. */
  troubled(problem: string): void;
}

interface Folder {
  readonly identity: string;
  readonly watcher: FSWatcher | undefined;
  /** Every file that counts, by name, with what differs when it was edited or replaced. */
  files: Map<string, string>;
  folders: Set<string>;
}

/**
The files below a folder, and which of them differ since they were last looked at.

An event says only that something happened in a folder; what happened is read from the disk. So no edit is lost when events come
in another order, several for one, or one for several.
*/
export class Tree {
  readonly #options: TreeOptions;
  readonly #folders = new Map<string, Folder>();
  readonly #above: FSWatcher | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
    const {root, touched} = options;
    // The folder itself may be removed and come back, as when git changes to another branch.
    this.#above = watchFolder(
      path.dirname(root),
      name => (name === null || name === path.basename(root)) && touched(root),
      () => {},
    );
    this.read(root);
  }

  /** Every file that counts, absolute. */
  get files(): string[] {
    return [...this.#folders].flatMap(([place, {files}]) => [...files.keys()].map(name => path.join(place, name)));
  }

  /** Reads a folder again, and those below it that are new. @returns the files that were edited, added or removed, absolute */
  read(place: string): string[] {
    const stats = statOf(place);
    if (!stats?.isDirectory()) return this.#remove(place);
    const identity = `${stats.dev}:${stats.ino}`;
    const known = this.#folders.get(place);
    if (known && known.identity !== identity) known.watcher?.close();
    if (known?.identity !== identity && !this.#isAffordable(place, identity)) return [];
    // First watched, then read: what happens between is an event.
    const watcher =
      known?.identity === identity
        ? known.watcher
        : watchFolder(
            place,
            () => this.#options.touched(place),
            error => this.#failed(error),
          );
    const folder = {identity, watcher, files: known?.files ?? new Map(), folders: known?.folders ?? new Set()};
    this.#folders.set(place, folder);
    return this.#compare(place, folder);
  }

  close(): void {
    this.#above?.close();
    for (const {watcher} of this.#folders.values()) watcher?.close();
    this.#folders.clear();
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (error.code !== 'ENOENT') this.#options.troubled(explain(error));
  }

  #compare(place: string, folder: Folder): string[] {
    const {isFile, isFolder} = this.#options;
    const files = new Map<string, string>();
    const folders = new Set<string>();
    for (const entry of entriesOf(place)) {
      const below = path.join(place, entry.name);
      const isWanted = entry.isDirectory() ? isFolder(below) : isFile(below) || (entry.isSymbolicLink() && isFolder(below));
      const stats = isWanted ? statOf(below) : undefined;
      if (stats?.isDirectory() && isFolder(below)) folders.add(entry.name);
      else if (stats?.isFile() && isFile(below)) files.set(entry.name, `${stats.ino}:${stats.size}:${stats.ctimeNs}`);
    }
    const names = new Set([...folder.files.keys(), ...files.keys()]);
    const changed = [...names].filter(name => folder.files.get(name) !== files.get(name)).map(name => path.join(place, name));
    const gone = [...folder.folders].filter(name => !folders.has(name));
    folder.files = files;
    folder.folders = folders;
    const below = [...gone, ...folders].map(name => path.join(place, name));
    // What happens in a folder that is known is an event of its own; but another may be in its place.
    return [...changed, ...below.flatMap(each => (this.#isSame(each) ? [] : this.read(each)))];
  }

  #isSame(place: string): boolean {
    const stats = statOf(place);
    return stats !== undefined && this.#folders.get(place)?.identity === `${stats.dev}:${stats.ino}`;
  }

  #remove(place: string): string[] {
    const folder = this.#folders.get(place);
    if (!folder) return [];
    folder.watcher?.close();
    this.#folders.delete(place);
    const files = [...folder.files.keys()].map(name => path.join(place, name));
    return [...files, ...[...folder.folders].flatMap(name => this.#remove(path.join(place, name)))];
  }

  /** A folder that stands in the tree already, by a link, is not followed again. */
  #isAffordable(place: string, identity: string): boolean {
    for (const [other, folder] of this.#folders) if (other !== place && folder.identity === identity) return false;
    const {root, mostFolders = 2000, troubled} = this.#options;
    if (this.#folders.size < mostFolders) return true;
    troubled(`${root} has more than ${mostFolders} folders: edits in the others are not seen`);
    return false;
  }
}

/** @returns undefined when it cannot be watched */
function watchFolder(
  place: string,
  happened: (name: string | null) => void,
  failed: (error: NodeJS.ErrnoException) => void,
): FSWatcher | undefined {
  try {
    const watcher = watch(place, (_event, name) => happened(name));
    watcher.on('error', failed);
    return watcher;
  } catch (error) {
    failed(error as NodeJS.ErrnoException); // nothing else is thrown by a watch
    return undefined;
  }
}

/** Undefined when it does not exist, or may not be looked at. */
function statOf(place: string): BigIntStats | undefined {
  try {
    return statSync(place, {bigint: true, throwIfNoEntry: false});
  } catch {
    return undefined;
  }
}

/** None of a folder that was just removed, or may not be read. */
function entriesOf(place: string): Dirent[] {
  try {
    return readdirSync(place, {withFileTypes: true});
  } catch {
    return [];
  }
}

function explain({code, message}: NodeJS.ErrnoException): string {
  const limit = {ENOSPC: 'watches (fs.inotify.max_user_watches)', EMFILE: 'watchers (fs.inotify.max_user_instances) or open files'}[
    code ?? ''
  ];
  return `Some edits are not seen: ${limit === undefined ? message : `the system allows no more ${limit}`}`;
}
