import type {Subjects} from '../subjects.ts';
import type {Entry} from '../writing.ts';
import {holdsBack, type Stored, writeItem} from './item.ts';

/** The servers remove soon that a place is free: the item says so itself. */
const freedS = 1;

/**
What keeps the place of an item in the order of its key, or frees it: a message that stays as it is for as long as the item holds
back others. The one that says how the item stands is replaced with each change. A core that hears of that later would hear of
the second item of a key before the first one, and take it for the first. Each of the two subjects has one message at a time: to
remove several at once makes the servers count anew what each core has to hear.

@param next as it stands afterwards; undefined when it has ended
*/
export function placing(subjects: Subjects, item: Stored | undefined, next: Stored | undefined): Entry[] {
  const subject = subjects.place((item ?? next)?.id ?? '');
  const [hadPlace, hasPlace] = [item !== undefined && holdsBack(item), next !== undefined && holdsBack(next)];
  if (hadPlace === hasPlace) return [];
  return [{subject, replaces: true, ...(next && hasPlace ? {body: writeItem(next)} : {body: '', ttlS: freedS})}];
}
