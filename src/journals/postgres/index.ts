import {systemClock} from '../../clock.ts';
import type {JournalEngine} from '../engine.ts';
import {parsePlace, placeShown} from './place.ts';

/** Keeps facts in a database of PostgreSQL, which several cores write. */
export const postgres = {
  form: 'postgres://<host>/<database>',
  doc: 'In a database of PostgreSQL, which the cores of several machines share. `?schema=<name>` keeps applications apart: [more](journal-postgres.md).',
  note: '',
  remedy:
    'Name a database that this user may write, and in which it may make a schema (?schema=<name>); ' +
    'the password may stand in PGPASSWORD or ~/.pgpass',
  isShared: true,

  placeOf: text => (parsePlace(text) ? text : undefined),
  shown: placeShown,

  async open(place, retention, house) {
    const {PostgresJournal} = await import('./journal.ts');
    const journal = await PostgresJournal.open(place, retention, house);
    return {
      journal,
      can: journal.can,
      cores: journal.cores,
      health: () => journal.health(),
      get isDurable() {
        return journal.isDurable;
      },
    };
  },

  async read(place, clock) {
    const {PostgresArchive} = await import('./archive.ts');
    return PostgresArchive.open(place, clock);
  },

  async verify(place, tell) {
    const {PostgresArchive} = await import('./archive.ts');
    using archive = await PostgresArchive.open(place, systemClock);
    return await archive.verify(tell);
  },
} satisfies JournalEngine;
