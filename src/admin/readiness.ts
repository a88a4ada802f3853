import type {LifecycleState} from '../workers/process/lifecycle.ts';

/** Whether this core can take calls now, for balancers and probes. */
export interface Readiness {
  readonly ready: boolean;
  readonly phase: 'booting' | 'ready' | 'overloaded' | 'broken' | 'restarting' | 'gave-up' | 'draining';
  /** Why it is not ready, where the phase alone does not say it. */
  readonly cause?: string;
  /** What is wrong although it is ready, such as a broker that is away. */
  readonly detail?: string;
}

/** What the triggers say. */
export interface DoorState {
  /** Why one of them delivers nothing now. */
  readonly problem?: string | undefined;
  readonly detail?: string | undefined;
  /** False until every trigger is open; by default it is. */
  readonly isOpen?: boolean;
}

/** The part of a pool of sub-runtimes that readiness depends on. */
export interface Crew {
  states(): readonly LifecycleState[];
  ready(): number;
  isOverloaded(): boolean;
}

/**
One word for the whole pool. One sub-runtime that takes calls is enough to be ready.
*/
export function readinessOf(crew: Crew, isDraining: boolean, {problem, detail, isOpen = true}: DoorState = {}): Readiness {
  if (isDraining) return {ready: false, phase: 'draining'};
  const states = crew.states();
  if (crew.ready() > 0 && states.some(({phase}) => phase === 'ready')) {
    if (!isOpen) return {ready: false, phase: 'booting', cause: 'the triggers are not open yet'};
    if (crew.isOverloaded()) return {ready: false, phase: 'overloaded', cause: 'the queue is full'};
    if (problem !== undefined) return {ready: false, phase: 'broken', cause: problem};
    return {ready: true, phase: 'ready', ...(detail !== undefined && {detail})};
  }
  for (const [phase, shown] of [
    ['broken', 'broken'],
    ['exited', 'restarting'],
    ['gave-up', 'gave-up'],
  ] as const) {
    const found = states.find(state => state.phase === phase);
    if (found) return {ready: false, phase: shown, ...causeOf(found)};
  }
  return {ready: false, phase: 'booting'};
}

function causeOf({phase, error}: LifecycleState): {cause?: string} {
  if (error === undefined) return {};
  return {cause: phase === 'gave-up' ? `${error}; a start is tried every 30 to 60 s` : error};
}

/** The readiness of processes that share a port. All must be ready, as a caller cannot choose its process. */
export function worst([own, ...others]: readonly [Readiness, ...Readiness[]]): Readiness {
  return [own, ...others].find(({ready}) => !ready) ?? own;
}
