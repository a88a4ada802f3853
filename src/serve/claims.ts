import type {CoreJournal} from '../journals/open.ts';
import type {WorkHall} from '../work/hall.ts';
import type {Core} from './core.ts';

/** What triggers get that claim work in the journal. */
export const claimsOf = ({wanted, instance}: Core, {journal, cores}: CoreJournal, hall: WorkHall | undefined) =>
  ({journal, core: instance, cores, hall, env: wanted.env, places: () => placesOf(wanted)}) as const;

/** Before a sub-runtime has said how many calls it takes. */
const placesOf = ({config: {workers, concurrency}, spec}: Core['wanted']) => workers * (concurrency ?? spec.command.concurrency);
