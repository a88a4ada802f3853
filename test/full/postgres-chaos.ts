import test from 'ava';
import {chaosOnPostgres} from '../../bench/chaos/postgres.ts';
import {postgresMissing} from '../helpers/postgres-server.ts';

// A short form of bench/chaos-postgres.ts: the server and cores are killed and stopped while work is sent and schedules fire.

const seconds = 45;
const missing = await postgresMissing();

if (missing !== undefined) test.skip(`chaos: ${missing}`, () => {});
else {
  test('what was acknowledged is run, in order, and no occurrence is missed, whatever is killed', async t => {
    t.timeout(500_000);
    const {verdict, troubles, overlaps, errors} = await chaosOnPostgres(seconds);
    t.log({...verdict, troubles, overlaps});
    t.like(verdict, {lost: 0, doubled: 0, settledTwice: 0, outOfOrder: 0, missed: 0}, errors.slice(-20).join('\n'));
    t.true(verdict.acknowledged > 0 && verdict.occurrences > 0);
    t.true(overlaps > 0, 'a server and a core had trouble at once');
  });
}
