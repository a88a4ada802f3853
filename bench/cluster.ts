import {parseArgs} from 'node:util';
import {natsServer} from '../test/helpers/nats.ts';
import {postgresMissing} from '../test/helpers/postgres-server.ts';
import {nats, type Place, postgres, type Start, sqlite} from './cluster/places.ts';
import {Replicas, type Total} from './cluster/replicas.ts';
import {markdownTable} from './figures.ts';
import {chooseGenerator, measure} from './load.ts';
import {Peers} from './peers.ts';
import {loadBefore, machine} from './program.ts';
import {startOurs} from './servers.ts';

/*
What engines do whose journal several cores share: durable appends a second, each of which begins a stream of its own; accepted
work, with a request of 200 bytes; facts that nobody waits for; by 1, 16 and 256 writers in one process, and by 256 in three, as
replicas are. Then requests a second of cores whose facts are kept there. Servers, writers and clients share the machine. Less
than five minutes.

    node bench/cluster.ts [--seconds 2]
*/

const {values} = parseArgs({options: {seconds: {type: 'string', default: '2'}}});
const seconds = Number(values.seconds);
const loads = [
  [1, 1],
  [1, 16],
  [1, 256],
  [2, 256],
  [3, 256],
] as const;
const connections = 32;
const recorders = 4;

const places: Start[] = [];
if ((await postgresMissing()) === undefined) places.push(postgres);
else console.error('PostgreSQL is not installed: it is left out');
if (natsServer) places.push(nats(1), nats(3));
else console.error('There is no nats-server in the folder that CORE_TEST_NATS names: NATS is left out');

await using tools = new AsyncDisposableStack();
const generator = await chooseGenerator(() => new Peers(tools).install('autocannon@8'));
console.log(`${machine()}, ${generator}, ${loadBefore()}`);
for (const start of places) {
  await using stack = new AsyncDisposableStack();
  const place = await start(stack);
  console.log(`\n## ${place().title}, ${loadBefore()}\n\n${await written(place)}`);
}
const served: string[][] = [];
for (const start of [sqlite, ...places]) served.push(...(await requests(start)));
const head = ['facts kept by', 'replicas', 'requests/s', 'p50 ms', 'p99 ms', 'errors'];
console.log(`\n## Requests over HTTP, ${connections} connections, ${loadBefore()}\n\n${markdownTable(head, served)}`);

async function written(place: () => Place): Promise<string> {
  const rows: string[][] = [];
  for (const [count, writers] of loads) {
    await using replicas = await Replicas.start(count, place());
    const appends = await replicas.run('appends', writers, seconds * 1000);
    const work = await replicas.run('work', writers, seconds * 1000);
    const facts = writers === 256 || writers === 1 ? await replicas.run('facts', recorders * count, seconds * 1000) : undefined;
    rows.push([`${count}`, `${writers}`, ...shown(appends), ...shown(work), facts ? rounded(facts.perSecond) : '']);
  }
  return markdownTable(
    ['processes', 'writers', 'appends/s', 'p50 ms', 'p99 ms', 'work accepted/s', 'p50 ms', 'p99 ms', 'facts recorded/s'],
    rows,
  );
}

/** One to three cores, each with its share of the connections. */
async function requests(start: Start): Promise<string[][]> {
  const rows: string[][] = [];
  for (const count of start === sqlite ? [1] : [1, 2, 3]) {
    await using stack = new AsyncDisposableStack();
    const {title, location, synced} = (await start(stack))();
    const env = {CORE_JOURNAL: location, ...(synced && {CORE_JOURNAL_SYNCED: synced})};
    const cores = await Promise.all(Array.from({length: count}, () => startOurs('message', env, stack)));
    const all = await Promise.all(
      cores.map(({url}) => measure({url, connections: Math.ceil(connections / count), seconds: Math.ceil(seconds)})),
    );
    const sum = (of: 'requestsPerSecond' | 'errors') => all.reduce((total, each) => total + each[of], 0);
    const worst = (of: 'p50Us' | 'p99Us') => (Math.max(...all.map(each => each[of])) / 1000).toFixed(1);
    rows.push([title, `${count}`, rounded(sum('requestsPerSecond')), worst('p50Us'), worst('p99Us'), `${sum('errors')}`]);
  }
  return rows;
}

function shown({perSecond, p50Ms, p99Ms}: Total): string[] {
  return [rounded(perSecond), p50Ms.toFixed(2), p99Ms.toFixed(1)];
}

function rounded(value: number): string {
  return Math.round(value).toLocaleString('en');
}
