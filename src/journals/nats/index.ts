import type {JournalEngine} from '../engine.ts';
import {parsePlace, placeShown, placeWith} from './place.ts';

/** Keeps facts in a stream of JetStream, which many cores write and three servers keep. */
export const nats = {
  form: 'nats://<hosts>/<name>',
  doc: 'In NATS JetStream, which the cores of several machines share. With three servers it survives the loss of any one: [more](journal-nats.md).',
  note: '',
  remedy: 'Check that the servers run with JetStream and can be reached, and that CORE_JOURNAL_CREDENTIALS lets this core in',
  isShared: true,

  placeOf: text => (parsePlace(text) ? text : undefined),
  shown: placeShown,
  placeWith,

  async open(place, retention, house) {
    const {openNats} = await import('./open.ts');
    return openNats(place, retention, house);
  },

  async read(place, clock) {
    const {openArchive} = await import('./archive.ts');
    return openArchive(place, clock);
  },

  async verify(place, tell) {
    const {verify} = await import('./archive.ts');
    return verify(place, tell);
  },
} satisfies JournalEngine;
