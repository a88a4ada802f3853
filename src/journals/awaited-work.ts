import type {Payload} from '../journal.ts';
import type {
  Census,
  Change,
  Claimed,
  Enqueued,
  EnqueueOptions,
  Retry,
  Settlement,
  WorkItem,
  WorkLimits,
  WorkQuery,
  WorkState,
  WorkStatus,
  WorkStore,
} from '../work.ts';

type Claim = Pick<Claimed, 'id' | 'epoch'>;

/** The work of a journal that is not open yet. Who listens to it hears what there is to hear once it is. */
export class AwaitedWork implements WorkStore {
  readonly #store: () => WorkStore;
  readonly #tell = {lost: (_ids: readonly string[]) => {}, due: () => {}, over: (_id: string) => {}, stop: (_id: string) => {}};

  /** @param store throws a Fault JOURNAL_FAILED while there is none */
  constructor(store: () => WorkStore) {
    this.#store = store;
  }

  /** The journal is open: something may be due. */
  begin(store: WorkStore): void {
    store.onLost?.(ids => this.#tell.lost(ids));
    store.onDue?.(() => this.#tell.due());
    store.onOver?.(id => this.#tell.over(id));
    store.onStop?.(id => this.#tell.stop(id));
    this.#tell.due();
  }

  async enqueue(item: WorkItem, options: EnqueueOptions): Promise<Enqueued> {
    return this.#store().enqueue(item, options);
  }

  async claim(most: number, limits: WorkLimits): Promise<readonly Claimed[]> {
    return this.#store().claim(most, limits);
  }

  async settle(claimed: Claim, settlement: Settlement): Promise<boolean> {
    return this.#store().settle(claimed, settlement);
  }

  async retryAt(claimed: Claim, retry: Retry): Promise<boolean> {
    return this.#store().retryAt(claimed, retry);
  }

  async cancel(id: string, change: Change): Promise<WorkStatus | undefined> {
    return this.#store().cancel(id, change);
  }

  async redrive(id: string, change: Change & {readonly due: number}): Promise<boolean> {
    return this.#store().redrive(id, change);
  }

  async drop(id: string, payloads?: readonly Payload[]): Promise<boolean> {
    return this.#store().drop(id, payloads);
  }

  async find(id: string): Promise<WorkState | undefined> {
    return this.#store().find(id);
  }

  async list(query: WorkQuery): Promise<readonly WorkState[]> {
    return this.#store().list(query);
  }

  async census(): Promise<Census> {
    return this.#store().census();
  }

  async nextDue(): Promise<number | undefined> {
    return this.#store().nextDue();
  }

  onLost(tell: (ids: readonly string[]) => void): void {
    this.#tell.lost = tell;
  }

  onDue(tell: () => void): void {
    this.#tell.due = tell;
  }

  onOver(tell: (id: string) => void): void {
    this.#tell.over = tell;
  }

  onStop(tell: (id: string) => void): void {
    this.#tell.stop = tell;
  }

  async stopElsewhere(id: string): Promise<void> {
    await this.#store().stopElsewhere?.(id);
  }
}
