import test, {type ExecutionContext} from 'ava';
import type {Clock} from '../../../src/clock.ts';
import type {Fact} from '../../../src/facts.ts';
import type {Durability, Journal, Recorded} from '../../../src/journal.ts';
import {ManualClock} from '../clock.ts';

/** Opens an empty journal; what it leaves behind is gone when the test ends. */
export type OpenJournal = (t: ExecutionContext, clock: Clock) => Journal | Promise<Journal>;

export const fact = (bytes: number): Fact => ({type: 'invocation.accepted', data: {source: 'test', bytes, attempt: 1}});

export async function all(recorded: AsyncIterable<Recorded>): Promise<Recorded[]> {
  const list: Recorded[] = [];
  for await (const each of recorded) list.push(each);
  return list;
}

/** Which fact it was, by its number. */
export const numbers = (list: readonly Recorded[]) => list.map(({fact: {data}}) => ('bytes' in data ? data.bytes : undefined));

export interface SuiteOptions {
  /** What receipts promise at least. */
  readonly durability?: Durability;
  /** True: positions are 1, 2, 3 … They may have gaps only where an engine says so. */
  readonly isDense?: boolean;
  /** True: what was recorded about an invocation counts as a revision of its stream, too. */
  readonly countsRecorded?: boolean;
}

/** What each part of the suite gets. */
export interface Suite extends Required<SuiteOptions> {
  readonly title: string;
  readonly open: OpenJournal;
  /** A test with an empty journal, which is closed at its end. */
  check(behaviour: string, body: (t: ExecutionContext, journal: Journal, clock: ManualClock) => Promise<void>): void;
  /** Where positions are dense, what one must be; elsewhere what it is, if that can be. */
  dense(position: number, got: number | undefined): number;
}

export function suiteOf(
  title: string,
  open: OpenJournal,
  {durability = 'buffered', isDense = true, countsRecorded = true}: SuiteOptions = {},
): Suite {
  return {
    title,
    open,
    durability,
    isDense,
    countsRecorded,

    check(behaviour, body) {
      test(`${title}: ${behaviour}`, async t => {
        const clock = new ManualClock();
        await using journal = await open(t, clock);
        await body(t, journal, clock);
      });
    },

    dense: (position, got) => (isDense || got === undefined || got < position ? position : got),
  };
}
