import type {WorkState} from '../../work.ts';
import {code, lost} from '../work-row.ts';

export const restoredColumns = ['id', 'status', 'due', 'epoch', 'attempts', 'deaths', 'lost', 'ordering', 'accepted', 'dead_at', 'item'];

/**
The row of an item that another journal had. What ran there has ended with its core, as at the start of one.

@param place whether it waits, or is behind an earlier one
*/
export function restoredValues(state: WorkState, place: number): (string | number | null)[] {
  const {id, status, due, attempts, deaths, orderingKey, acceptedAt, deadAt, ...rest} = state;
  const now = status === 'dead' ? code.dead : place;
  const was = status === 'running' ? lost.attempt : lost.nothing;
  return [id, now, due, 0, attempts, deaths, was, orderingKey ?? null, acceptedAt, deadAt ?? null, JSON.stringify(rest)];
}
