import {setTimeout as pause} from 'node:timers/promises';
import {systemClock} from '../../src/clock.ts';
import {PostgresArchive} from '../../src/journals/postgres/archive.ts';
import {startPostgres} from '../../test/helpers/postgres-server.ts';
import {type Outcome, trial} from './trial.ts';
import {random} from './troubles.ts';

const cutOff = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'core-runtime%' AND random() < 0.5`;

/** Three cores on a PostgreSQL server. */
export async function chaosOnPostgres(seconds: number): Promise<Outcome> {
  await using server = await startPostgres();
  const place = server.place();
  const killed = async () => {
    await server.kill();
    await pause(random(0, 4000));
    await server.start();
  };
  const cut = async () => {
    await server.sql(cutOff);
  };
  return await trial({
    seconds,
    env: {CORE_JOURNAL: `postgres:${place}`},
    troubles: [
      ['server killed', killed],
      ['connections cut', cut],
    ],
    openArchive: () => PostgresArchive.open(place, systemClock),
  });
}
