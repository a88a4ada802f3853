import type {WorkControl} from '../admin/work/control.ts';
import type {Budget, HeldKind} from '../limits/budget.ts';
import type {Shares} from '../limits/shares.ts';
import type {OpenLog} from '../observe/log.ts';
import type {Gauges} from '../observe/metrics/gauges.ts';
import type {Workers} from '../workers/index.ts';
import type {OpenDoors} from './doors.ts';
import type {OwnFacts} from './own-facts.ts';
import type {Siblings} from './siblings/lead.ts';
import type {Stop} from './stop.ts';

/** The parts that metrics and readiness read. Metrics open first, as every part counts; each part is set here once it is open. */
export class Watched implements Gauges {
  log: OpenLog | undefined;
  workers: Workers | undefined;
  siblings: Siblings | undefined;
  stop: Stop | undefined;
  doors: OpenDoors | undefined;
  /** That of the journal, as the leader counts it. */
  work: WorkControl | undefined;
  /** The same in a process that does not lead. */
  workBeside: WorkControl | undefined;
  readonly shares: Shares;
  readonly #budget: Budget;
  readonly #facts: OwnFacts;

  constructor(budget: Budget, facts: OwnFacts, shares: Shares) {
    this.shares = shares;
    this.#budget = budget;
    this.#facts = facts;
  }

  /** Log lines have a bound of their own, so that they are never a reason to refuse a request. */
  bytesHeld(kind: HeldKind) {
    return kind === 'log' ? (this.log?.waitingBytes() ?? 0) : this.#budget.bytesOf(kind);
  }

  bodiesWaiting() {
    return this.#budget.turns?.waiting ?? 0;
  }

  isDurable() {
    return this.#facts.isDurable;
  }

  journalServers() {
    return this.#facts.servers;
  }

  /** A sub-runtime that could not load its handler does not count: it answers every call with the reason. */
  runtimesUp() {
    const {workers} = this;
    return workers ? Math.min(workers.ready(), workers.states().filter(({phase}) => phase === 'ready').length) : 0;
  }

  runtimeProcesses() {
    return this.workers?.processes() ?? [];
  }

  runtimesResidentBytes() {
    return this.workers?.residentBytes() ?? 0;
  }

  drain() {
    return this.stop?.report(this.siblings?.drained());
  }

  processesUp() {
    return 1 + (this.siblings?.serving ?? 0);
  }

  workWaiters() {
    return (this.work ?? this.workBeside)?.waiters ?? 0;
  }

  census() {
    return this.work?.store.census();
  }

  others() {
    return this.siblings?.families();
  }
}
