import {beginAttempt} from '../../../work/begin-attempt.ts';
import type {Claimed, WorkLimits} from '../../../work.ts';
import type {Board} from './board.ts';
import type {Changes} from './changes.ts';
import {claimedOf, type Item, stateOf} from './item.ts';
import type {Standing} from './standing.ts';

export interface ClaimHouse {
  readonly board: Board;
  readonly changes: Changes;
  /** This core. */
  readonly core: string;
}

/** What this core may ask for: what was lost, then the longest due. */
export function chooseItems(board: Board, standing: Standing, most: number, now: number): Item[] {
  const items = [...standing.running()].filter(item => board.lost(item) !== undefined && !board.asked.has(item.id)).slice(0, most);
  for (const item of standing.due(now)) {
    if (items.length >= most) break;
    if (board.dueHere(item) <= now && !board.asked.has(item.id)) items.push(item);
  }
  return items;
}

/** Takes an item that waits, or ran on a core that has ended. @returns undefined when another core was first */
export async function claimItem(
  {board, changes, core}: ClaimHouse,
  item: Item,
  limits: WorkLimits,
  now: number,
): Promise<Claimed | undefined> {
  const lost = item.status === 'running' ? board.lost(item) : undefined;
  const epoch = item.epoch + 1;
  const was = {
    isLost: (lost === 'core' && item.task === 'run') || item.isLost === true,
    isEnding: lost === 'core' && item.task !== 'run',
    isUnheard: lost === 'claim',
  };
  const {facts, task, attempts, deaths} = beginAttempt({...stateOf(item, false), ...was, epoch}, limits, now);
  const {item: kept} = (await changes.change(item, claimedOf(item, {epoch, attempts, deaths, holder: core, task}), {facts})) ?? {};
  return kept && {...stateOf(kept, false), epoch, task};
}
