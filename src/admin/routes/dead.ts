import type {Budget} from '../../limits/budget.ts';
import type {Log} from '../../log.ts';
import {plainFact} from '../../projections/plain.ts';
import {Refusal, type Route} from '../../route.ts';
import {shown} from '../../settings/setting.ts';
import {forgottenSecrets} from '../../work/stored.ts';
import {readBody} from '../reading/body.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {pageDead} from '../work/dead.ts';
import {Redrive} from '../work/redrive.ts';
import {viewItem} from '../work/view.ts';
import {parseDrop, parseFilter, parseRedrive} from '../work/wish.ts';
import {described} from './described.ts';
import {newestFacts, openWork, parsePage, type WorkHouse} from './work.ts';

export interface DeadHouse extends WorkHouse {
  readonly budget: Budget;
  readonly log: Log;
}

const mostBytes = 2 ** 17;
/** Dead letters that a preview shows. */
const mostShown = 100;
/** Dead letters that a preview counts. */
const mostCounted = 10_000;

/** `/api/dead`: work that has failed for good: to look at, to send again, to forget. One redrive goes on at a time. */
export function deadRoutes({journal, clock, work, budget, log}: DeadHouse, desk: JournalDesk): Route[] {
  let redrive: Redrive | undefined;
  const progress = () => ({redrive: redrive?.progress ?? null});

  return [
    {
      method: 'GET',
      path: '/api/dead',
      described: described('dead'),
      query: 'status=<count>&class=<text>&since=<duration>&id=<prefix>&limit=<count>&after=<id>',
      doc: 'Dead letters, the oldest first: work that has failed for good, and why. `next` is the `after` of the next page.',
      run({query, response}) {
        const {store} = openWork(work);
        const {limit, after} = parsePage(query);
        const filter = parseFilter(Object.fromEntries(query), clock.now());
        return desk.answer(response, async () => {
          const {items, next} = await pageDead(store, filter, after, limit);
          return {items: items.map(viewItem), ...(next !== undefined && {next})};
        });
      },
    },
    {
      method: 'GET',
      path: '/api/dead/redrive',
      described: described('redrive'),
      doc: 'How far the newest redrive is; null when there was none since the core started.',
      run() {
        openWork(work);
        return {body: progress()};
      },
    },
    {
      method: 'DELETE',
      path: '/api/dead/redrive',
      described: described('redrive'),
      doc: 'Stops the redrive that goes on. What was sent stays sent.',
      async run() {
        openWork(work);
        if (!redrive || redrive.isOver) throw new Refusal('CONFLICT', 'no redrive goes on');
        redrive.stop();
        await redrive.over;
        return {body: progress()};
      },
    },
    {
      method: 'GET',
      path: '/api/dead/<id>',
      described: described('workItem'),
      doc: 'A dead letter, why it failed, and the newest 200 facts about it.',
      run({name: id, response}) {
        const {store} = openWork(work);
        return desk.answer(response, async () => {
          const item = await store.find(id);
          if (item?.status !== 'dead') throw new Refusal('NOT_FOUND', `no dead letter \`${shown(id.slice(0, 100))}\``);
          return {...viewItem(item), facts: (await newestFacts(journal, id)).map(plainFact)};
        });
      },
    },
    {
      method: 'POST',
      path: '/api/dead/redrive',
      described: described('redriveBegun'),
      doc: 'Sends dead letters again, with attempts anew: all, or those that the body means. With `preview` it only says which; with `canary` so many go first, and the others when these have succeeded. 409 while one goes on.',
      async run({request, response}) {
        const control = openWork(work);
        const {isPreview, ...wish} = parseRedrive(await readBody(request, response, budget, mostBytes), clock.now());
        if (isPreview) return desk.answer(response, () => preview(wish));
        if (redrive && !redrive.isOver) throw new Refusal('CONFLICT', 'a redrive goes on: DELETE /api/dead/redrive stops it');
        const failed = (error: unknown) => log.error({stack: error instanceof Error ? error.stack : String(error)}, 'A redrive failed');
        redrive = new Redrive(wish, {store: control.store, journal, clock, wake: () => control.runner?.wake(), failed});
        return {status: 202, body: progress()};
      },
    },
    {
      method: 'POST',
      path: '/api/dead/drop',
      described: described('deadDropped'),
      doc: 'Forgets dead letters for good: `{"ids": […]}`. The facts about them stay.',
      async run({request, response}) {
        const {store} = openWork(work);
        const ids = parseDrop(await readBody(request, response, budget, mostBytes));
        const unknown: string[] = [];
        for (const id of ids) {
          if (!(await store.drop(id, forgottenSecrets({id})))) unknown.push(id);
          else journal.record('work', [{type: 'work.dropped', data: {invocationId: id}}]);
        }
        return {body: {dropped: ids.length - unknown.length, unknown}};
      },
    },
  ];

  async function preview({filter, ids}: Omit<ReturnType<typeof parseRedrive>, 'isPreview'>) {
    const {store} = openWork(work);
    if (ids) {
      const found = await Promise.all(ids.map(id => store.find(id)));
      const items = found.filter(item => item?.status === 'dead').map(item => item && viewItem(item));
      return {count: items.length, more: false, items: items.slice(0, mostShown)};
    }
    const {items, next} = await pageDead(store, filter, undefined, mostCounted);
    return {count: items.length, more: next !== undefined, items: items.slice(0, mostShown).map(viewItem)};
  }
}
