import {markdownTable, median, paired, shown, spreadOf} from './figures.ts';
import type {Measured} from './load.ts';
import {known, p50sOf, type Question, type Raced, type Runs, race, ratesOf, ratio, runAlone, shownOrDash} from './program.ts';
import type {Contender} from './work/contender.ts';
import {behindHttp, findContenders, ownStore} from './work/contenders.ts';
import {overHttpTitle} from './work/over-http.ts';

/*
Work that nobody waits for: how much of it is accepted a second, how soon it starts, and what a claim costs while much waits.
Against pg-boss on PostgreSQL and BullMQ on Redis, which acknowledge what is on the disk, as we do.

    node bench/work.ts [rounds] [seconds] [waiting] [--json]
*/

const producers = [1, 16, 256];
const sizes: ReadonlyMap<string, number> = new Map([
  ['248 B', 248],
  ['4 KiB', 4096],
]);
const few = 1000;
const takers = 16;

export const work: Question = {
  rounds: 3,
  seconds: 2,

  async answer({rounds, seconds, peers}) {
    const many = Number((import.meta.main && process.argv.slice(2).filter(each => /^\d+$/.test(each))[2]) || 100_000);
    await using stack = new AsyncDisposableStack();
    const {contenders, missing, behind} = await findContenders(peers, stack);
    const absent = [...missing].map(([name, reason]) => [name, `not measured: ${reason}`]);

    const accepted = new Map<string, Map<string, Runs>>();
    for (const [size, bytes] of sizes) {
      for (const count of producers) {
        const loads = loadsOf(contenders, ({accept}) => accept && (() => accept({producers: count, bytes, seconds})));
        accepted.set(`${size}, ${count}`, await race(loads, rounds));
      }
    }
    const claims = (waiting: number, at: number) =>
      race(
        loadsOf(contenders, ({claim}) => claim && (() => claim({waiting, takers: at, bytes: 248, seconds}))),
        rounds,
      );
    const [fromFew, fromMany, byMany] = [await claims(few, 1), await claims(many, 1), await claims(many, takers)];
    const started = await race(
      loadsOf(contenders, ({start}) => start && (() => start({bytes: 248, seconds}))),
      rounds,
    );

    const most = accepted.get('248 B, 256');
    const [own, http, pgBoss, bullmq] = [ownStore, overHttpTitle, 'pg-boss, ', 'BullMQ, '].map(name => best(most, name));
    const [pgBossFront, bullmqFront] = ['pg-boss', 'BullMQ'].map(name => best(most, `${name} ${behindHttp}`));
    return {
      title: 'Work',
      about: about(behind, many),
      tables: [
        `Accepted:\n\n${acceptedTable(accepted, absent)}`,
        `Claimed, one after another, while ${few.toLocaleString('en')} and ${many.toLocaleString('en')} items wait, and by ${takers} at a time:\n\n${claimTable(fromFew, fromMany, byMany, absent)}`,
        `From the sending to the start, with workers that wait, an item every 20 ms:\n\n${startTable(started, absent)}`,
      ].join('\n\n'),
      figures: known({
        'accepted/s at 256 producers, core’s store / pg-boss': ratio(own, pgBoss),
        'accepted/s at 256 producers, core’s store / BullMQ': ratio(own, bullmq),
        'accepted/s at 256 producers, core over HTTP / pg-boss behind HTTP': ratio(http, pgBossFront),
        'accepted/s at 256 producers, core over HTTP / BullMQ behind HTTP': ratio(http, bullmqFront),
        'claim among many waiting / among few, core’s store': ratio(fromMany.get(ownStore), fromFew.get(ownStore), p50sOf),
      }),
    };
  },
};

function about(behind: readonly string[], many: number): string {
  const peers = behind.length > 0 ? ` ${behind.join('; ')}.` : '';
  return `An item is accepted when it is on the disk.${peers} Producers send one after another, each the next when its last is accepted, into an empty queue; nothing runs beside them. *Of what waits*: what the producers send meanwhile goes in one call. The store and the peers are used by a process of Node that is producer, too, and whose CPU time counts; the core over HTTP is called by the load generator, and so are the peers *behind HTTP*: there the same process is the smallest server of *node:http* that hands the body to the queue and answers 202. ${many.toLocaleString('en')} items wait at most.`;
}

function loadsOf(contenders: readonly Contender[], loadOf: (contender: Contender) => (() => Promise<Measured>) | undefined) {
  return new Map<string, Raced>(
    contenders.flatMap(contender => {
      const load = loadOf(contender);
      return load ? [[contender.title, load]] : [];
    }),
  );
}

/** Of the ways of one contender that which accepts most. */
function best(results: ReadonlyMap<string, Runs> | undefined, name: string): Runs | undefined {
  const ways = [...(results ?? [])].flatMap(([title, runs]) => (title.startsWith(name) ? [runs] : []));
  return ways.toSorted((one, other) => median(ratesOf(other)) - median(ratesOf(one)))[0];
}

type Absent = readonly (readonly string[])[];

const ms = (runs: Runs, of: (run: Measured) => number, digits = 2) => shownOrDash(median(runs.map(of)) / 1000, digits);
const errorsOf = (runs: Runs) => String(runs.reduce((sum, each) => sum + each.errors, 0));

function acceptedTable(accepted: ReadonlyMap<string, ReadonlyMap<string, Runs>>, absent: Absent): string {
  const head = ['bytes, producers', 'what', 'accepted/s (min–max)', `${ownStore} / it`, 'p50 ms', 'p99 ms', 'CPU µs each', 'errors'];
  const rows = [...accepted].flatMap(([load, results]) =>
    [...results].map(([title, runs]) => [
      ...[load, title, shown(spreadOf(ratesOf(runs))), shown(paired(ratesOf(results.get(ownStore)), ratesOf(runs)))],
      ...[ms(runs, each => each.p50Us), ms(runs, each => each.p99Us), shownOrDash(median(runs.map(each => each.cpuUs)), 0), errorsOf(runs)],
    ]),
  );
  return markdownTable(head, [...rows, ...absent.map(row => ['–', ...row, '', '', '', '', ''])]);
}

function claimTable(
  few: ReadonlyMap<string, Runs>,
  many: ReadonlyMap<string, Runs>,
  byMany: ReadonlyMap<string, Runs>,
  absent: Absent,
): string {
  const head = [
    'what',
    'p50 ms, few',
    'p50 ms, many',
    'many / few',
    'p99 ms, many',
    'claimed and ended/s',
    `the same, ${takers} at a time`,
  ];
  const rows = [...many].map(([title, runs]) => {
    const [before = [], parallel = []] = [few.get(title), byMany.get(title)];
    const slower = shown(paired(p50sOf(runs), p50sOf(before)));
    const rates = [runs, parallel].map(each => shown(spreadOf(ratesOf(each))));
    return [title, ms(before, each => each.p50Us), ms(runs, each => each.p50Us), slower, ms(runs, each => each.p99Us), ...rates];
  });
  return markdownTable(head, [...rows, ...absent.map(row => [...row, '', '', '', '', ''])]);
}

function startTable(started: ReadonlyMap<string, Runs>, absent: Absent): string {
  const rows = [...started].map(([title, runs]) => [title, ms(runs, each => each.p50Us), ms(runs, each => each.p99Us), errorsOf(runs)]);
  return markdownTable(['what', 'p50 ms', 'p99 ms', 'not started'], [...rows, ...absent.map(row => [...row, '', ''])]);
}

if (import.meta.main) await runAlone(work);
