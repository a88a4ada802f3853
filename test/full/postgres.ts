import {journalSuite} from '../helpers/journal-suite.ts';
import {openPostgres, withPostgres} from '../helpers/postgres.ts';
import {workSuite} from '../helpers/work-suite.ts';

await withPostgres('PostgreSQL keeps facts and work as every engine does', server => {
  journalSuite('postgres', (_, clock) => openPostgres(server.place(), clock), {durability: 'fsync'});
  workSuite('postgres', (_, clock) => openPostgres(server.place(), clock));
});
