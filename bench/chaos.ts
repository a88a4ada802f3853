import {natsServer} from '../test/helpers/nats.ts';
import {chaosOnNats} from './chaos/nats.ts';
import {tell} from './chaos/trial.ts';

/*
Three cores share a journal on three NATS servers. Work is sent, with ordering keys, delays and failures, and schedules fire
every second, while servers and cores are killed and stopped, two servers at once, too, and, as root with `ip`, servers are cut off
from one another, first of all; now and then a server and a core have trouble at once. Prints what became of what was acknowledged, and the longest stalls with what happened then; the exit code is
1 when anything was lost, doubled, settled twice, out of order or missed.

    node bench/chaos.ts [seconds, by default 600]
*/

const seconds = Number(process.argv[2] ?? 600);
if (!(seconds > 0) || !natsServer) {
  console.error('expected seconds, and a nats-server in the folder that CORE_TEST_NATS names, or on the path');
  process.exit(64);
}
tell(seconds, await chaosOnNats(seconds));
