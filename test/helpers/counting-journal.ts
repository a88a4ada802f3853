import type {Journal} from '../../src/journal.ts';

/** A journal that counts how often all of a stretch of it is read. */
export function countingScans<J extends Journal>(journal: J): {journal: J; scans(): number} {
  let scans = 0;
  const counting = new Proxy(journal, {
    get(target, member) {
      if (member === 'scan') scans++;
      const value = Reflect.get(target, member, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {journal: counting, scans: () => scans};
}
