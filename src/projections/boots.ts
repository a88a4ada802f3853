import type {JournalReader, Position, Recorded} from '../journal.ts';
import {type BootView, evolveBoot} from './runtimes.ts';

/** The last run of an invocation, which another core may run again after a crash. */
export interface Run {
  /** Position of the fact with which it began. */
  readonly position: Position;
  /** Position of its newest fact. */
  readonly until: Position;
  /** The process that ran it, when that is known. */
  readonly pid?: number | undefined;
  /** The boot that ran it, or accepted it as long as none has, when its facts say so. */
  readonly core?: string | undefined;
}

/** @param facts of one invocation, oldest first */
export function lastRun(facts: readonly Recorded[]): Run | undefined {
  const newest = facts.at(-1);
  if (!newest) return undefined;
  const began = facts.findLast(({fact}) => fact.type === 'invocation.accepted' || fact.type === 'attempt.started');
  const {pid, core} = newest.fact.type === 'invocation.settled' ? newest.fact.data : {};
  // Another core than the one that ran it may end it: one that cancels or buries it.
  const started = facts.findLast(({fact}) => fact.type === 'attempt.started');
  const by = started?.fact.data.core ?? core ?? began?.fact.data.core;
  return {position: began?.position ?? newest.position, until: newest.position, pid, core: by};
}

interface Boot {
  /** Its facts say whose they are, as other cores may write the journal. */
  readonly isNamed: boolean;
  view: BootView;
  readonly startedAt: Position;
  readonly codes: {readonly position: Position; readonly digest: string; readonly handler: string}[];
  readonly processes: {readonly pid: number; readonly spawnedAt: Position; exitedAt: Position}[];
}

/** The starts of the core that a journal has, oldest first, and what became of their processes. */
export class Boots {
  readonly #boots: readonly Boot[];

  static async read(journal: JournalReader): Promise<Boots> {
    const boots = new Map<string, Boot>();
    for await (const recorded of journal.scan('runtime.')) {
      const known = boots.get(recorded.stream);
      const view = evolveBoot(known?.view, recorded);
      if (!view) continue;
      const boot = known ?? {isNamed: recorded.fact.data.core !== undefined, view, startedAt: recorded.position, codes: [], processes: []};
      boot.view = view;
      boots.set(recorded.stream, boot);
      note(boot, recorded);
    }
    return new Boots([...boots.values()]);
  }

  private constructor(boots: readonly Boot[]) {
    this.#boots = boots;
  }

  /** The newest handler. */
  get handler(): string | undefined {
    const codes = this.#boots.flatMap(boot => boot.codes).sort((a, b) => a.position - b.position);
    return codes.at(-1)?.handler;
  }

  /**
  The start of the core that ran an invocation, with the code that it served then; undefined when that is not known. Where several
  cores may write the journal, the facts name it. Others were written by a core that was alone: by the one that started the
  process, or else by the newest of those that were alone.
  */
  of({position, until, pid, core}: Run): BootView | undefined {
    const alone = () => this.#starterOf(pid, position, until) ?? this.#boots.findLast(each => !each.isNamed && each.startedAt < position);
    const boot = core === undefined ? alone() : this.#boots.find(({view}) => view.id === core);
    if (!boot) return undefined;
    // An invocation that waited for the start is older than the fact about the code.
    const code = boot.codes.findLast(each => each.position < position) ?? boot.codes[0];
    return {...boot.view, ...(code && {codeDigest: code.digest, handler: code.handler})};
  }

  /** The start whose process had this number then: the system gives numbers again. */
  #starterOf(pid: number | undefined, position: Position, until: Position): Boot | undefined {
    let newest: {readonly boot: Boot; readonly spawnedAt: Position} | undefined;
    for (const boot of this.#boots) {
      for (const {spawnedAt, exitedAt, ...process} of boot.processes) {
        if (boot.isNamed || process.pid !== pid || spawnedAt > until || exitedAt < position) continue;
        if (!newest || spawnedAt > newest.spawnedAt) newest = {boot, spawnedAt};
      }
    }
    return newest?.boot;
  }
}

function note({codes, processes}: Boot, {position, fact}: Recorded): void {
  if (fact.type === 'code.loaded') codes.push({position, ...fact.data});
  if (fact.type !== 'runtime.spawned' && fact.type !== 'runtime.ready' && fact.type !== 'runtime.exited') return;
  const {pid} = fact.data;
  if (pid === undefined) return;
  const running = processes.findLast(each => each.pid === pid && each.exitedAt === Number.POSITIVE_INFINITY);
  if (fact.type === 'runtime.exited' && running) running.exitedAt = position;
  else if (fact.type !== 'runtime.exited' && !running) processes.push({pid, spawnedAt: position, exitedAt: Number.POSITIVE_INFINITY});
}
