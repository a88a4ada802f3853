import type {Fact} from '../../src/facts.ts';
import {fieldOf} from '../../src/http/field.ts';
import type {Recorded} from '../../src/journal.ts';
import {readRequest} from '../../src/journals/payload.ts';
import {SqliteArchive} from '../../src/journals/sqlite/archive.ts';
import {ManualClock} from './clock.ts';

/** What a journal tells of one item of work. */
export interface WorkTold {
  readonly id: string;
  readonly facts: readonly Recorded[];
  /** Undefined when its request is not kept any more. */
  readonly orderingKey: string | undefined;
  readonly isOver: boolean;
}

/** All work that a journal on disk knows, in the order in which it was accepted. */
export async function readWork(file: string): Promise<WorkTold[]> {
  using archive = new SqliteArchive(file, new ManualClock());
  const streams = new Map<string, Recorded[]>();
  for await (const recorded of archive.scan('invocation.')) {
    const known = streams.get(recorded.stream);
    if (known) known.push(recorded);
    else streams.set(recorded.stream, [recorded]);
  }
  const work = [...streams].filter(([, [first]]) => first?.fact.type !== 'invocation.accepted' || first.fact.data.source === 'work');
  return Promise.all(
    work.map(async ([stream, facts]) => {
      const request = await archive.payload(`${stream}/request`);
      const orderingKey = request ? fieldOf(readRequest(request).headers, 'core-ordering-key') || undefined : undefined;
      const isOver = facts.at(-1)?.fact.type === 'invocation.settled';
      return {id: stream.slice('invocation.'.length), facts, orderingKey, isOver};
    }),
  );
}

/** What is wrong with the facts about an item, taken one after the other: undefined when nothing is. */
export function refute({facts}: WorkTold): string | undefined {
  let state: State = 'unknown';
  let [epoch, attempt] = [0, 0];
  for (const {fact} of facts) {
    const next: State | undefined = (steps[state] as Partial<Record<Fact['type'], State>>)[fact.type];
    if (!next) return `${fact.type} while ${state}`;
    if (fact.type === 'attempt.started') {
      if (fact.data.epoch <= epoch) return `epoch ${fact.data.epoch} after ${epoch}`;
      if (fact.data.attempt > attempt + 1) return `attempt ${fact.data.attempt} after ${attempt}`;
      ({epoch, attempt} = fact.data);
    }
    if (fact.type === 'attempt.failed' && fact.data.attempt !== attempt) return `attempt ${fact.data.attempt} failed while ${attempt} ran`;
    if (fact.type === 'invocation.settled' && state === 'waiting' && !notRun.has(fact.data.outcome))
      return `${fact.data.outcome} while ${state}`;
    if (fact.type === 'invocation.redriven') attempt = 0;
    state = next;
  }
  return undefined;
}

type State = 'unknown' | 'waiting' | 'running' | 'failed' | 'over';

/** What may come next. A lost attempt is followed by the next one at once. */
const steps = {
  unknown: {'invocation.accepted': 'waiting'},
  waiting: {'attempt.started': 'running', 'invocation.settled': 'over'},
  running: {'attempt.failed': 'failed', 'invocation.settled': 'over'},
  failed: {'retry.scheduled': 'waiting', 'attempt.started': 'running', 'invocation.settled': 'over'},
  over: {'invocation.redriven': 'waiting'},
} as const satisfies Record<State, Partial<Record<Fact['type'], State>>>;

const notRun = new Set(['cancelled', 'expired', 'dead-lettered']);

/** Where an ordering key was not kept: an item began before an earlier one had begun, or had its first end. */
export function disordered(work: readonly WorkTold[]): string[] {
  const wrong: string[] = [];
  for (const [key, items] of Map.groupBy(work, ({orderingKey}) => orderingKey)) {
    if (key === undefined) continue;
    const spans = items.map(({id, facts}) => ({
      id,
      began: facts.find(({fact}) => fact.type === 'attempt.started')?.position,
      ended: facts.find(({fact}) => fact.type === 'invocation.settled')?.position ?? Number.POSITIVE_INFINITY,
    }));
    let latest = {id: '', ended: 0};
    for (const {id, began, ended} of spans) {
      if (began === undefined) continue;
      if (began < latest.ended) wrong.push(`${key}: ${id} began before the end of ${latest.id}`);
      latest = {id, ended};
    }
  }
  return wrong;
}
