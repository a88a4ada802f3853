import type {Change, WorkStatus, WorkStore} from '../../work.ts';

/** The work of this core, as far as its operators see and steer it. */
export interface WorkControl {
  readonly store: WorkStore;
  /** Callers who wait for the end of work. */
  readonly waiters: number;
  /** What claims work here; undefined until it is open. */
  readonly runner: WorkSteering | undefined;
  /** Ends an item that does not run, and asks one that runs to stop. @returns what it was; undefined when there is nothing to cancel */
  cancel(id: string, change: Change): Promise<WorkStatus | undefined>;
}

export interface WorkSteering {
  readonly isPaused: boolean;
  /** While paused nothing is claimed; what runs goes on. */
  pause(isPaused: boolean): void;
  /** There may be something to claim. */
  wake(): void;
}
