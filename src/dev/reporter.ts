import type {Observer} from '../observation.ts';
import type {Served} from '../serve/serve.ts';
import type {Wish} from './wish.ts';

/** What a person, or another process, is told about one function that is served for its developer. */
export interface Reporter {
  /** Is told what happens in the core. Without it the core writes its log, as JSON, to stdout. */
  readonly feed?: Observer;
  /** Called once, when the first start of the function is over, well or badly. */
  serving(server: DevServer): void;
  /**
  Called after each reload, whoever asked for it. A reload that a newer one superseded is not reported. An edit during the first
  start is a reload, too, which may be over first.
  */
  reloaded(outcome: ReloadOutcome): void;
  /** Something to know, in a sentence. */
  noted(line: string): void;
}

/** One function that is served for its developer. */
export interface DevServer {
  readonly served: Served;
  readonly wish: Wish;
  readonly name: string;
  /** What runs the handler, such as `Node.js 26.1.0`. */
  readonly runtime: string;
  /** Why the function could not be loaded; absent when it was. */
  readonly error?: string;
  /** Lets the code on disk take over, with the variables of the file as it is now. */
  reload(changed?: readonly string[]): Promise<ReloadOutcome>;
  /** Stops as Ctrl-C does. */
  stop(): void;
}

/** What became of a reload. `changed`: files relative to the folder, none when a person or a signal asked for the reload. */
export type ReloadOutcome = {readonly changed: readonly string[]; readonly tookMs: number} & (
  | {readonly kind: 'reloaded'}
  /** The old code goes on serving. */
  | {readonly kind: 'failed'; readonly error: string}
  /** The handler's file does not exist any more; the old code goes on serving. */
  | {readonly kind: 'missing'; readonly file: string}
);
