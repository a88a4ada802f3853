import type {JournalEngine} from '../engine.ts';

/** Keeps the newest facts in the process and forgets them with it. */
export const memory = {
  form: 'memory:',
  doc: 'In the process: the newest facts, until the core ends.',
  note: 'until the core ends',
  remedy: '',
  isShared: false,

  placeOf: text => (text === '' ? '' : undefined),

  async open(_place, _retention, {clock, memoryBytes}) {
    const {MemoryJournal, payloadCapacity} = await import('./journal.ts');
    return {
      journal: new MemoryJournal(clock, {memoryBytes}),
      isDurable: false,
      can: {durability: 'buffered', synced: 'no', payloadBytes: memoryBytes ?? payloadCapacity},
    };
  },
} satisfies JournalEngine;
