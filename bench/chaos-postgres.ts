import {chaosOnPostgres} from './chaos/postgres.ts';
import {tell} from './chaos/trial.ts';

/*
Three cores share a journal in PostgreSQL. Work is sent, with ordering keys, delays and failures, and schedules fire every
second, while the server is killed, connections are cut off, and cores are killed and stopped. Prints what became of what was
acknowledged, and the longest stalls with what happened then; the exit code is 1 when anything was lost, doubled, settled twice,
out of order or missed.

    node bench/chaos-postgres.ts [seconds, by default 600]
*/

const seconds = Number(process.argv[2] ?? 600);
if (!(seconds > 0)) {
  console.error('expected seconds');
  process.exit(64);
}
tell(seconds, await chaosOnPostgres(seconds));
