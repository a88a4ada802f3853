import type {Clock} from '../../clock.ts';
import type {ExitReason} from '../../facts.ts';
import type {Log} from '../../log.ts';
import type {Meter} from '../../meter.ts';
import type {Purpose, Trouble} from './parts.ts';

/** Pause after a spare that did not become ready, doubled with each in a row, while the stuck process serves on. */
const againMs = 1000;
const longestAgainMs = 60_000;
/** The same after a spare that was not needed any more when it was ready. It is short: the next process that is blocked needs one. */
const longestIdleMs = 8000;
/** When the memory has no room for a spare, it is looked at again after this time. */
const lookMs = 1000;

export interface SparesHouse {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Pick<Meter, 'spared'>;
  /** Memory that one more process may take. */
  freeBytes(): number;
}

/** A process of the place: one from which a spare should take over, or a spare. */
export interface Stuck {
  readonly purpose: Purpose;
  readonly pid: number | undefined;
  /** What it has made of the memory: a spare will need about as much. */
  readonly ownBytes: number;
  readonly isWaitedFor: boolean;
  /** It can serve no caller any more. */
  readonly servesNobody: boolean;
  doubt(): void;
  end(reason: ExitReason): Promise<void>;
}

/** Starts the spares of one place, one at a time, as far as the memory allows. */
export class Spares<Process extends Stuck> {
  readonly #house: SparesHouse;
  readonly #launch: () => Promise<unknown>;
  readonly #again: (stuck: Process, trouble: Trouble) => void;
  #isStarting = false;
  /** No spare is started before this monotonic time. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #failed = 0;
  #idle = 0;
  #trouble: Trouble | undefined;
  /** The process for which there was no room, as the log has said. */
  #refused: Process | undefined;

  /** @param again called after a pause, when a spare for a process could not be started, or did not become ready */
  constructor(house: SparesHouse, launch: () => Promise<unknown>, again: (stuck: Process, trouble: Trouble) => void) {
    this.#house = house;
    this.#launch = launch;
    this.#again = again;
  }

  /** A spare is being started. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** Starts a spare, unless one is being started, the last one asks for a pause, or there is no room for it. */
  startFor(stuck: Process, trouble: Trouble): void {
    if (this.#isStarting || this.#house.clock.monotonic() < this.#notBefore) return;
    this.#trouble = trouble;
    if (!this.#fits(stuck, trouble)) return;
    this.#house.log.warn({pid: stuck.pid}, `${trouble.cause}: ${trouble.remedy}`);
    stuck.doubt();
    this.#isStarting = true;
    void this.#launch().then(() => {
      this.#isStarting = false;
    });
  }

  /** A spare, or newer code, serves from now on: what came before it does not count any more. */
  tookOver({purpose, pid}: Process): void {
    this.#failed = 0;
    this.#idle = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    if (purpose !== 'spare') return;
    this.#house.meter.spared('took-over');
    this.#house.log.info({pid}, 'The spare has taken over; the process before it ends when nobody waits for its calls');
  }

  /** Ends a spare that is ready and does not take over. @param isNotNeeded as the process answers again; else it is of no use */
  dismiss(spare: Process, isNotNeeded: boolean): void {
    void spare.end('stopped');
    if (!isNotNeeded) return;
    this.#failed = 0;
    this.#notBefore = this.#house.clock.monotonic() + Math.min(againMs * 2 ** this.#idle++, longestIdleMs);
    this.#house.meter.spared('not-needed');
    this.#house.log.info({pid: spare.pid}, 'The sub-runtime answers again: its spare is ended');
  }

  /** None became ready. A process that serves nobody is ended, and its end starts another; any other serves on, and gets another spare after a pause. */
  failed(stuck: Process): void {
    this.#house.meter.spared('failed');
    if (stuck.servesNobody) void stuck.end('stuck');
    else this.#pause(stuck, Math.min(againMs * 2 ** this.#failed++, longestAgainMs));
  }

  /** Where it does not fit, a process for whose calls nobody waits makes room for the next; else callers wait. */
  #fits(stuck: Process, {cause}: Trouble): boolean {
    const {log, meter, freeBytes} = this.#house;
    const [free, needed] = [freeBytes(), stuck.ownBytes];
    if (needed <= free) return true;
    this.#pause(stuck, lookMs);
    const fields = {pid: stuck.pid, freeBytes: free, neededBytes: needed};
    if (!stuck.isWaitedFor) {
      log.warn(fields, `${cause}. The memory has no room for a spare: it is ended, as nobody waits for a call in it`);
      void stuck.end('stuck');
    } else if (this.#refused !== stuck) {
      this.#refused = stuck;
      meter.spared('no-memory');
      log.warn(fields, `${cause}. The memory has no room for a spare: callers wait`);
    }
    return false;
  }

  #pause(stuck: Process, ms: number): void {
    const {clock} = this.#house;
    this.#notBefore = clock.monotonic() + ms;
    clock.after(ms, () => this.#trouble && this.#again(stuck, this.#trouble));
  }
}
