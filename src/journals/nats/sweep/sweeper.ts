import {RevisionConflict} from '../../../journal.ts';
import type {JournalHouse, Retention} from '../../engine.ts';
import {type Commits, commit} from '../commit.ts';
import type {Streams} from '../streams.ts';
import type {Subjects} from '../subjects.ts';
import type {Transport} from '../transport.ts';
import {earlyFloor} from './early.ts';
import {sweepFacts} from './facts.ts';
import {shedPayloads, sweepPayloads} from './payloads.ts';
import {StreamAdmin} from './stream-admin.ts';

export interface SweeperHouse {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly commits: Commits;
  readonly streams: Streams;
  readonly retention: Retention;
  readonly house: Pick<JournalHouse, 'clock' | 'log' | 'core'>;
  /** Tells how many payloads were removed. */
  shredded(payloads: number, until: number): void;
}

/** What one sweep leaves to the next one, whichever core makes it. */
interface Progress {
  readonly core: string;
  /** Payloads of what had ended before this message are removed. */
  readonly payloads: number;
  /** Facts before this message were looked at; those that were left stay for now. */
  readonly facts: number;
  /** When they were looked at from the beginning, by the servers' clock. */
  readonly begun: number;
  /** When nothing was left to be looked at, by that clock; absent before. */
  readonly through?: number | undefined;
}

const sweepMs = 60_000;
/** When more is left than one sweep looks at. */
const nextMs = 1000;
/** What had to stay is looked at again that often. */
const againMs = 3_600_000;
const leaseS = 150;
/** A core whose clock is further ahead of the servers' does not find all that it has recorded. */
const mostAheadMs = 60_000;
/** A stream that is fuller than this may not even take the lease of who removes what is over. */
const brimPart = 0.98;
/** How often one look at a stream that is filled to the brim goes on behind what it has removed. */
const mostRounds = 40;

/**
Removes what is old, for all cores: one of them does it at a time, which has a lease. Age is what the servers' clocks say. What
is not over stays, and so do the newest fact of a schedule and the invocation that it names.
*/
export class Sweeper {
  readonly #house: SweeperHouse;
  readonly #admin: StreamAdmin;
  #isEnding = false;
  #isAhead = false;
  #stop = () => {};
  #throughAt: number;

  constructor(house: SweeperHouse) {
    this.#house = house;
    this.#throughAt = house.house.clock.monotonic();
    this.#admin = new StreamAdmin(house.transport, house.subjects, house.commits.patience);
  }

  /** How long ago nothing was left to be removed, as far as this core knows. */
  get sweptAgoMs(): number {
    return this.#house.house.clock.monotonic() - this.#throughAt;
  }

  begin(afterMs = sweepMs): void {
    if (this.#isEnding || this.#house.house.core === undefined) return;
    const {clock, log} = this.#house.house;
    this.#stop = clock.after(afterMs, () => {
      this.sweep().then(
        found => this.begin(found === 'more' ? nextMs : sweepMs),
        (error: Error) => {
          log.warn({cause: error.message}, 'Old facts could not be removed');
          this.begin();
        },
      );
    });
  }

  end(): void {
    this.#isEnding = true;
    this.#stop();
  }

  /** @returns whether more is left to be looked at; `elsewhere` when another core does it */
  async sweep(): Promise<'more' | 'through' | 'elsewhere'> {
    const {retention, shredded} = this.#house;
    await this.#makeRoom();
    const taken = await this.#take();
    if (!taken) return 'elsewhere';
    const {now, progress, sequence} = taken;
    const size = await this.#admin.size();
    const parts = {...this.#house, admin: this.#admin};
    const old = await this.#before(now - retention.factsMs);
    const early = earlyFloor(size, Math.max(old, progress.facts));
    const shed = await shedPayloads(parts, early);
    const floors = {
      facts: Math.max(old, shed.next),
      payloads: Math.max(await this.#before(now - retention.payloadsMs), early),
    };
    const payloads = await sweepPayloads(parts, progress.payloads, floors.payloads);
    const removed = payloads.removed + shed.removed;
    if (removed > 0) shredded(removed, now - retention.payloadsMs);
    const begun = now - progress.begun > againMs ? now : progress.begun;
    const facts = await sweepFacts(parts, begun === now ? 1 : progress.facts, floors.facts);
    const isThrough = payloads.isThrough && facts.isThrough && shed.next >= early;
    const through = isThrough ? now : progress.through;
    await this.#put({core: progress.core, payloads: payloads.next, facts: facts.next, begun, through}, sequence);
    if (isThrough) this.#throughAt = this.#house.house.clock.monotonic();
    return isThrough ? 'through' : 'more';
  }

  /** Nothing can be written to a stream that is full, a lease neither. So each core that finds it so removes what is over. */
  async #makeRoom(): Promise<void> {
    const parts = {...this.#house, admin: this.#admin};
    let [from, base] = [1, 0];
    for (let round = 0; round < mostRounds; round++) {
      const floor = earlyFloor(await this.#admin.size(), base, brimPart);
      if (floor <= base) return; // it is not so full, or all of it was looked at
      const {next} = await shedPayloads(parts, floor);
      const swept = await sweepFacts(parts, from, next);
      from = swept.next;
      if (swept.isThrough) base = next;
    }
  }

  /** Takes the lease, or keeps it. @returns undefined when another core has it; else the time of the servers, and where to go on */
  async #take(): Promise<{now: number; progress: Progress; sequence: number} | undefined> {
    const {commits, subjects, house} = this.#house;
    const core = house.core ?? '';
    const newest = await commits.reading.last(subjects.sweeper);
    const before = newest && newest.body.length > 0 ? (JSON.parse(Buffer.from(newest.body).toString()) as Progress) : undefined; // only this writes it
    if (before && before.core !== core && (await this.#isHeld(newest?.storedAt ?? 0, before))) return undefined;
    const progress = {payloads: 0, facts: 0, begun: 0, ...before, core};
    const sequence = await this.#put(progress, newest?.sequence ?? 0).catch((error: unknown) => {
      if (error instanceof RevisionConflict) return undefined;
      throw error;
    });
    if (sequence === undefined) return undefined;
    return {now: await this.#serverTime(), progress, sequence};
  }

  /** The lease is over when it was not renewed for its time, by the servers' clock. */
  async #isHeld(storedAt: number, {through}: Progress): Promise<boolean> {
    const now = await this.#serverTime();
    if (through !== undefined) this.#throughAt = this.#house.house.clock.monotonic() - (now - through);
    return now - storedAt < leaseS * 1000;
  }

  async #serverTime(): Promise<number> {
    const {commits, subjects} = this.#house;
    const subject = subjects.barrier('time');
    const sequence = await commit(commits, {
      prepare: () => [{subject, body: '', replaces: true, ttlS: 60}],
      refused: async () => {},
      size: 'one',
    });
    const newest = await commits.reading.lastNow(subject);
    if (!newest || newest.sequence < sequence) return 0;
    this.#compare(newest.storedAt);
    return newest.storedAt;
  }

  #compare(server: number): void {
    const {clock, log} = this.#house.house;
    const aheadMs = clock.now() - server;
    const wasAhead = this.#isAhead;
    this.#isAhead = aheadMs > mostAheadMs;
    if (this.#isAhead && !wasAhead)
      log.warn({aheadMs}, 'The clock of this core is ahead of the journal’s servers’: it may not find what it keeps');
  }

  #put(progress: Progress, guard: number): Promise<number> {
    const {commits, subjects} = this.#house;
    return commit(commits, {
      size: 'one',
      prepare: () => [{subject: subjects.sweeper, body: JSON.stringify(progress), guard, replaces: true}],
      refused: async () => {
        const newest = await commits.reading.lastNow(subjects.sweeper);
        if ((newest?.sequence ?? 0) !== guard) throw new RevisionConflict(subjects.sweeper, guard, newest?.sequence ?? 0);
      },
    });
  }

  /** The first message with facts that was kept from this moment of the servers' clocks on. */
  async #before(at: number): Promise<number> {
    const {commits, subjects} = this.#house;
    const [first] = await commits.reading.page({of: subjects.facts, from: 1, since: at});
    return first?.sequence ?? ((await commits.reading.last(subjects.facts))?.sequence ?? 0) + 1;
  }
}
