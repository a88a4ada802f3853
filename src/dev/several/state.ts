import type {Listed} from './list.ts';
import type {Up} from './words.ts';

/** What became of the core of a function. */
export type State =
  | {readonly kind: 'absent' | 'ended'; readonly problem: string}
  | {readonly kind: 'starting'}
  | {readonly kind: 'serving'; readonly up: Up};

/** Where a core listens, or why nothing does. */
export type Place = {readonly host: string; readonly port: number} | {readonly problem: string};

/** @param door the public port, or the private listener */
export function placeOf(state: State, door: 'url' | 'adminUrl'): Place {
  if (state.kind !== 'serving') return {problem: state.kind === 'starting' ? 'it is starting' : state.problem};
  const {hostname, port} = new URL(state.up[door]);
  return {host: hostname === 'localhost' ? '127.0.0.1' : hostname, port: Number(port)};
}

export function listedAs(state: State, known: Pick<Listed, 'name' | 'url' | 'console'>): Listed {
  if (state.kind === 'starting') return {...known, state: 'starting'};
  if (state.kind !== 'serving') return {...known, state: state.kind, problem: state.problem};
  const {error, runtime, adminUrl: privateListener} = state.up;
  return {...known, state: error === undefined ? 'serving' : 'failed', runtime, privateListener, problem: error};
}
