import test from 'ava';
import {chaosOnNats} from '../../bench/chaos/nats.ts';
import {natsServer} from '../helpers/nats.ts';
import {canNetwork} from '../helpers/networks.ts';

// A short form of bench/chaos.ts: servers and cores are killed and stopped while work is sent and schedules fire.

const seconds = 60;

if (!natsServer) test.skip('there is no nats-server: CORE_TEST_NATS names the folder that has it', () => {});
else {
  test('what was acknowledged is run, in order, and no occurrence is missed, whatever is killed', async t => {
    t.timeout(500_000);
    const {verdict, troubles, overlaps, errors} = await chaosOnNats(seconds);
    t.log({...verdict, troubles, overlaps});
    t.like(verdict, {lost: 0, doubled: 0, settledTwice: 0, outOfOrder: 0, missed: 0}, errors.slice(-20).join('\n'));
    t.true(verdict.acknowledged > 0 && verdict.occurrences > 0);
    t.true(overlaps > 0, 'a server and a core had trouble at once');
    if (canNetwork()) t.true((troubles['server cut off'] ?? 0) > 0, 'the network was parted');
  });
}
