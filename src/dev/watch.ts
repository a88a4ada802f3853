import path from 'node:path';
import type {Clock} from '../clock.ts';
import {withoutData} from './imported.ts';
import {isLookedAt, isSource} from './relevant.ts';
import {Tree} from './tree.ts';
import {envFileOf, type Wish} from './wish.ts';

export interface WatchHouse {
  readonly clock: Clock;
  /** Files that changed at about the same time, relative to the folder. Called once they have been left alone for a moment. */
  changed(files: readonly string[]): void;
  /** Why some edits will not be seen, in a sentence. Called once. */
  troubled(problem: string): void;
}

/** An editor, or git, writes files one after the other, and a file in parts. */
const quietMs = 30;
/** A linker takes longer. */
const quietProgramMs = 150;
/** Files that change all the time are reported after this. */
const longestWaitMs = 300;

/** Watches the code of a function in its folder, and the file with its variables. */
export function watchFunction(wish: Wish, house: WatchHouse): Disposable {
  const {folder, handlerPath, isBinary} = wish;
  const envFile = envFileOf(wish);
  const touched = new Map<string, Tree>();
  let firstAt = 0;
  let stopTimer = () => {};
  let isTroubled = false;
  const isCode = (place: string) => isLookedAt(wish, place) && isSource(wish, place);
  const trees = [
    grow(folder, isCode, isBinary ? undefined : place => isLookedAt(wish, place)),
    ...(isBinary && path.dirname(handlerPath) !== folder ? [grow(path.dirname(handlerPath), isCode)] : []),
    ...(path.dirname(envFile) === folder ? [] : [grow(path.dirname(envFile), () => false)]),
  ];
  return {
    [Symbol.dispose]() {
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
    stopTimer = house.clock.after(waitMs, look);
  }

  function look(): void {
    const places = [...touched];
    touched.clear();
    const changed = [...new Set(places.flatMap(([place, tree]) => tree.read(place)))];
    const files = withoutData(
      changed,
      trees.flatMap(tree => tree.files),
    );
    if (files.length > 0) house.changed(files.map(file => path.relative(folder, file)));
  }
}
