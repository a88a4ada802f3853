import type {Claimed, WorkState, WorkStatus} from '../../../work.ts';
import {failed} from '../insist.ts';
import type {Kept} from '../reading.ts';

/** An item as its message has it. Whether it is behind another one is known only from those of its key. */
export interface Stored extends Omit<WorkState, 'status'> {
  readonly status: Exclude<WorkStatus, 'behind'>;
  /** How often it was claimed. */
  readonly epoch: number;
  /** The core that has claimed it, and for what. */
  readonly holder?: string | undefined;
  readonly task?: Claimed['task'] | undefined;
  /** The message that put it in its place in the order of its key. Absent in that message itself. */
  readonly order?: number | undefined;
  /** Of its idempotency key. */
  readonly scope?: string | undefined;
  /** True: it ran in another journal, from which it was taken over. That attempt is lost. */
  readonly isLost?: true | undefined;
}

/** An item as it stands after some message. */
export interface Item extends Stored {
  readonly order: number;
  /** The message that says so; the next one about it is guarded by this number. */
  readonly sequence: number;
  /** True: only its place was heard of, not how it stands. */
  readonly isPlace?: true | undefined;
}

/** Seconds for which is kept that an item has ended, for cores that are behind. */
export const endedS = 3600;

/** @returns undefined when the message says that the item has ended @throws Fault JOURNAL_FAILED */
export function readItem({body, sequence}: Pick<Kept, 'body' | 'sequence'>): Item | undefined {
  if (body.length === 0) return undefined;
  try {
    const stored = JSON.parse(Buffer.from(body).toString()) as Stored; // only this folder writes them
    return {...stored, order: stored.order ?? sequence, sequence};
  } catch (error) {
    throw failed(`message ${sequence} about work is not what was written`, error);
  }
}

export const writeItem = (stored: Stored): Buffer => Buffer.from(JSON.stringify(stored));

/** True for an item that holds back later ones of its key. */
export const holdsBack = ({status, orderingKey, isCallback}: Stored) =>
  status !== 'dead' && orderingKey !== undefined && isCallback !== true;

/** As it is to be written when something about it changes. */
export function storedOf({sequence: _, isPlace: __, ...stored}: Item): Stored {
  return stored;
}

/** As callers of the store see it. */
export function stateOf(
  {epoch: _, holder: __, task: ___, order: ____, scope: _____, sequence: ______, isLost: _______, isPlace: ________, ...state}: Item,
  isBehind: boolean,
): WorkState {
  return isBehind ? {...state, status: 'behind'} : state;
}

/** As it is to be written when it is claimed. */
export function claimedOf(item: Item, claim: Pick<Stored, 'epoch' | 'attempts' | 'deaths' | 'holder' | 'task'>): Stored {
  const {isLost: _, ...stored} = storedOf(item);
  return {...stored, ...claim, status: 'running'};
}

/** An item that another journal had. */
export function restored({status, ...state}: WorkState): Stored {
  return {...state, status: status === 'dead' ? 'dead' : 'waiting', epoch: 0, ...(status === 'running' && {isLost: true})};
}

/** True once its sender can have its reply, or knows that there is none to come. */
export const isOver = (item: Item | undefined): boolean => item === undefined || item.status === 'dead' || item.isCallback === true;

/** Nobody holds it any more. */
export function freed(item: Item): Stored {
  const {holder: _, task: __, ...stored} = storedOf(item);
  return stored;
}

/** It is over, and holds back no other; what is left is to post its reply. */
export function callbackOf(item: Item, due: number): Stored {
  const {orderingKey: _, ...rest} = freed(item);
  return {...rest, status: 'waiting', due, attempts: 0, deaths: 0, isCallback: true};
}

/** A dead letter that is sent again, behind those of its key that are there now. */
export function redriven(item: Item, due: number): Stored {
  const {expires: _, reason: __, deadAt: ___, order: ____, ...rest} = storedOf(item);
  return {...rest, status: 'waiting', due, attempts: 0, deaths: 0, redriven: (item.redriven ?? 0) + 1};
}
