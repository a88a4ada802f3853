import type {Observer} from '../../observation.ts';
import type {ReloadOutcome} from '../reporter.ts';
import type {Controls} from '../terminal/actions.ts';
import type {PlannedFunction} from './plan.ts';
import type {Up} from './words.ts';

/** Shows what happens to a person, or to a program. */
export interface Stage {
  /** For what one function reports. */
  tellerOf(planned: PlannedFunction): Teller;
  noted(line: string): void;
  /** Called once, when each function serves or does not. @param functions those that serve by now: some may come later, and go */
  serving(
    at: {readonly url: string; readonly consoleUrl: string},
    functions: () => readonly Served[],
    controls: Omit<Controls, 'openInBrowser'>,
  ): void;
}

export interface Served {
  readonly name: string;
  /** At the front. */
  readonly url: string;
  readonly up: Up;
}

/** What a person is told about one of several functions. */
export interface Teller {
  /** Absent: its core writes its log as JSON, which `logged` gets. */
  readonly feed?: Observer;
  /** A record of the log of its core, as JSON. */
  logged(record: string): void;
  reloaded(outcome: ReloadOutcome): void;
  noted(line: string): void;
  /** Its process has ended: nothing more comes of what it was doing. */
  ended(): void;
}
