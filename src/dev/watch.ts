import path from 'node:path';
import type {Clock} from '../clock.ts';
import {Contents} from './contents.ts';
import {importsOutside, withoutData} from './imported.ts';
import {Pace} from './pace.ts';
import {isLookedAt, isSource} from './relevant.ts';
import {Tree} from './tree.ts';
import {envFileOf, type Wish} from './wish.ts';

export interface WatchHouse {
  readonly clock: Clock;
  /** Files that changed at about the same time, relative to the folder. Called once they have been left alone for a moment. */
  changed(files: readonly string[]): void;
  /** Why some edits will not be seen, or late, in a sentence. Called once for each. */
  troubled(problem: string): void;
}

/** An editor, or git, writes files one after the other, and a file in parts. */
const quietMs = 30;
/** A linker takes longer. */
const quietProgramMs = 150;
/** Files that change all the time are reported after this. */
const longestWaitMs = 300;

/** Watches the code of a function in its folder, what that imports from outside, and the file with its variables. */
export function watchFunction(wish: Wish, house: WatchHouse): Disposable {
  const {folder, handlerPath, isBinary} = wish;
  const envFile = envFileOf(wish);
  const touched = new Map<string, Tree>();
  let firstAt = 0;
  let stopTimer = () => {};
  let isTroubled = false;
  const contents = new Contents();
  const pace = new Pace();
  const outside = new Set<string>();
  const foldersOutside = new Map<string, Tree>();
  const isCode = (place: string) => isLookedAt(wish, place) && isSource(wish, place);
  const trees = [
    grow(folder, isCode, isBinary ? undefined : place => isLookedAt(wish, place)),
    ...(isBinary && path.dirname(handlerPath) !== folder ? [grow(path.dirname(handlerPath), isCode)] : []),
    ...(path.dirname(envFile) === folder ? [] : [grow(path.dirname(envFile), () => false)]),
  ];
  const stopFirst = house.clock.after(0, lookOutside); // the function starts meanwhile
  return {
    [Symbol.dispose]() {
      stopFirst();
      stopTimer();
      for (const tree of trees) tree.close();
    },
  };

  function grow(root: string, isFile: (place: string) => boolean, isFolder: (place: string) => boolean = () => false): Tree {
    const tree: Tree = new Tree({
      root,
      isFolder,
      isFile: place => place === envFile || isFile(place),
      touched: place => touch(place, tree),
      troubled(problem) {
        if (!isTroubled) house.troubled(problem);
        isTroubled = true;
      },
    });
    return tree;
  }

  function touch(place: string, tree: Tree): void {
    const now = house.clock.monotonic();
    if (touched.size === 0) firstAt = now;
    touched.set(place, tree);
    stopTimer();
    const waitMs = Math.min(isBinary ? quietProgramMs : quietMs, firstAt + longestWaitMs - now);
    stopTimer = house.clock.after(Math.max(waitMs, pace.waitMs(now)), look);
  }

  function look(): void {
    const places = [...touched];
    touched.clear();
    const changed = [...new Set(places.flatMap(([place, tree]) => tree.read(place)))];
    const files = withoutData(
      changed,
      trees.flatMap(tree => tree.files),
    ).filter(file => contents.isNew(file));
    if (files.length === 0) return;
    const names = files.map(file => path.relative(folder, file));
    if (pace.count(names, house.clock.monotonic())) {
      house.troubled(`${names.join(', ')}: changes each time it is served. Does the function write its own code? Edits now wait up to 2 s`);
    }
    house.changed(names);
    lookOutside(); // after the reload has begun, as code is read for it
  }

  /** Watches the files outside of the folder that code has come to import. */
  function lookOutside(): void {
    const files = trees.flatMap(tree => tree.files);
    const added = importsOutside(folder, files).filter(file => !outside.has(file));
    for (const file of added) outside.add(file);
    for (const place of new Set(added.map(file => path.dirname(file)))) {
      const known = foldersOutside.get(place);
      if (known) known.read(place);
      else {
        const tree = grow(place, each => outside.has(each));
        foldersOutside.set(place, tree);
        trees.push(tree);
      }
    }
  }
}
