import type {Durability} from '../../journal.ts';
import type {Capabilities, JournalHealth, JournalHouse} from '../engine.ts';
import type {Info} from './copies.ts';
import {addressesOf, durabilityOf, type Seen, serversIn, unsyncedIn, watch} from './synced.ts';

/** How often it is looked again when nothing hints at a change. */
const lookMs = 60_000;

export interface SyncingHouse extends Pick<JournalHouse, 'log'> {
  readonly clock: Pick<JournalHouse['clock'], 'monotonic'>;
  /** What CORE_JOURNAL_SYNCED says. */
  readonly given: string | undefined;
  readonly hosts: readonly string[];
  /** How many servers are to have a copy, as the stream says when it is opened. */
  readonly replicas: number;
}

/**
Whether the servers sync what they keep before they acknowledge it. A server may be restarted without that, or another one take
its place: so it is looked again. One that does not answer for a while counts as what it was, as it was perhaps killed, and keeps
nothing then; one that has never answered does not count.
*/
export class Syncing {
  readonly #house: SyncingHouse;
  readonly #addresses: readonly string[] | undefined;
  #seen: Seen = new Map();
  /** Names of the servers that have a copy. */
  #holders: readonly string[] = [];
  /** Who leads, and who is there. */
  #standing: string | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  /** How many servers are to have a copy by now. */
  #replicas: number;
  synced: Capabilities['synced'] = 'asserted';

  constructor(house: SyncingHouse) {
    this.#house = house;
    this.#replicas = house.replicas;
    this.#addresses = addressesOf(house.given, house.hosts);
  }

  get durability(): Durability {
    return durabilityOf(this.#replicas, this.synced);
  }

  /** For the health of the journal; undefined where nobody looks. */
  get seen(): JournalHealth['synced'] {
    return this.#addresses && {isSeen: this.synced === 'seen', unseen: unsyncedIn(this.#seen, this.#holders)};
  }

  /** The versions of the servers that were seen, by their names. */
  get versions(): ReadonlyMap<string, string> {
    return new Map([...this.#seen.values()].flatMap(watched => (watched ? [[watched.server_name, watched.version] as const] : [])));
  }

  /** Looks for the first time. Who begins says what comes of it. */
  async begin(): Promise<void> {
    await this.#see();
    this.synced = this.#judged();
  }

  /** The servers have told which of them have a copy, as they do every few seconds. */
  heard({config: {num_replicas: wanted} = {num_replicas: this.#replicas}, cluster: {leader = '', replicas = []} = {}}: Info): void {
    if (wanted !== this.#replicas) {
      this.#replicas = wanted;
      this.#house.log.warn({replicas: wanted, durability: this.durability}, 'Somebody has changed how many servers keep the journal');
    }
    if (!this.#addresses) return;
    const before = this.#standing;
    this.#standing = JSON.stringify([leader, replicas.map(({name, current, offline}) => [name, current, offline])]);
    this.#holders = [leader, ...replicas.map(({name = ''}) => name)].filter(Boolean);
    this.#judge();
    const isOld = this.#house.clock.monotonic() - this.#lookedAt >= lookMs;
    if (isOld || (before !== undefined && this.#standing !== before)) void this.look();
  }

  /** Looks again, and says so when it is otherwise than before. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.#see();
    this.#isLooking = false;
    this.#judge();
  }

  async #see(): Promise<void> {
    if (!this.#addresses) return;
    this.#lookedAt = this.#house.clock.monotonic();
    const now = await watch(this.#addresses);
    this.#seen = new Map([...now].map(([address, watched]) => [address, watched ?? this.#seen.get(address)]));
  }

  #judge(): void {
    const was = this.synced;
    this.synced = this.#judged();
    if (was === this.synced) return;
    const {log} = this.#house;
    const {durability} = this;
    if (this.synced === 'seen') log.info({durability}, 'All NATS servers of the journal are seen to sync each write now');
    else {
      log.warn(
        {durability, servers: this.seen?.unseen},
        'Not all NATS servers of the journal are seen to sync each write any more, so what is acknowledged from now on may be lost with their machines: set `sync_interval: always`',
      );
    }
  }

  #judged(): Capabilities['synced'] {
    if (!this.#addresses) return 'asserted';
    const isSeen = unsyncedIn(this.#seen, this.#holders).length === 0 && serversIn(this.#seen) >= this.#replicas;
    return isSeen ? 'seen' : 'no';
  }
}
