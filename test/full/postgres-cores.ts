import {systemClock} from '../../src/clock.ts';
import {PostgresArchive} from '../../src/journals/postgres/archive.ts';
import {coresSuite} from '../helpers/cores-suite.ts';
import {withPostgres} from '../helpers/postgres.ts';

await withPostgres('several cores share a journal in PostgreSQL', server => {
  coresSuite({
    name: 'postgres',
    settings: () => ({CORE_JOURNAL: `postgres:${server.place()}`}),
    read: location => PostgresArchive.open(location.slice('postgres:'.length), systemClock),
    durability: 'fsync',
  });
});
