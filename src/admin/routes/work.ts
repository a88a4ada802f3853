import type {Clock} from '../../clock.ts';
import type {Journal, JournalReader, Recorded} from '../../journal.ts';
import {Pause} from '../../pause.ts';
import {plainFact} from '../../projections/plain.ts';
import {Refusal, type Route} from '../../route.ts';
import {shown} from '../../settings/setting.ts';
import {cancelled} from '../../work/cancelled.ts';
import {workOf} from '../../work/pause.ts';
import type {JournalDesk} from '../reading/desk.ts';
import type {WorkControl, WorkSteering} from '../work/control.ts';
import {listWork, parseStatuses} from '../work/list.ts';
import {viewCensus, viewItem} from '../work/view.ts';
import {described} from './described.ts';

export interface WorkHouse {
  readonly journal: Pick<Journal, 'read' | 'last' | 'append' | 'record'>;
  readonly clock: Clock;
  /** This boot of this core. */
  readonly core: string;
  /** Undefined while CORE_WORK is off, or the core is not open yet. */
  readonly work: () => WorkControl | undefined;
}

const mostItems = 500;
/** An item that was sent again often has more. */
const mostFacts = 200;

/** `GET /api/work`, `GET` and `DELETE /api/work/<id>`, `POST /api/work/pause` and `/resume`: invocations that nobody waits for. */
export function workRoutes({journal, clock, core, work}: WorkHouse, desk: JournalDesk): Route[] {
  const pause = new Pause(workOf(core), {journal, clock});
  return [
    {
      method: 'GET',
      path: '/api/work',
      described: described('work'),
      query: 'status=<work>&key=<text>&limit=<count>&after=<id>',
      doc: 'How much work waits, runs and has failed for good, and the items, the oldest first; those of several statuses with commas between them. `next` is the `after` of the next page.',
      run({query, response}) {
        const control = openWork(work);
        const {limit, after} = parsePage(query);
        const statuses = parseStatuses(query.get('status') ?? undefined);
        const orderingKey = query.get('key') || undefined;
        return desk.answer(response, async () => {
          const census = await control.store.census();
          const items = await listWork(control.store, statuses, {orderingKey, after, limit: limit + 1});
          const page = items.slice(0, limit);
          return {
            paused: control.runner?.isPaused ?? false,
            ...viewCensus(census),
            items: page.map(viewItem),
            ...(items.length > limit && {next: page.at(-1)?.id}),
          };
        });
      },
    },
    {
      method: 'GET',
      path: '/api/work/<id>',
      described: described('workItem'),
      doc: 'An item of work that has not ended, or is a dead letter, and the newest 200 facts about it.',
      run({name: id, response}) {
        const {store} = openWork(work);
        return desk.answer(response, async () => {
          const item = await store.find(id);
          if (!item) throw noWork(id);
          return {...viewItem(item), facts: (await newestFacts(journal, id)).map(plainFact)};
        });
      },
    },
    {
      method: 'DELETE',
      path: '/api/work/<id>',
      described: described('workCancelled'),
      doc: 'Cancels an item that has not started; one that runs is asked to stop, which is answered with 202.',
      async run({name: id}) {
        const control = openWork(work);
        const item = await control.store.find(id);
        if (!item) throw noWork(id);
        if (item.status === 'dead')
          throw new Refusal('CONFLICT', 'it is a dead letter, which does not run: POST /api/dead/drop forgets it');
        const was = await control.cancel(id, cancelled(item, clock.now()));
        if (was === undefined) throw noWork(id);
        if (was === 'dead') throw new Refusal('CONFLICT', 'it has become a dead letter: POST /api/dead/drop forgets it');
        return {status: was === 'running' ? 202 : 200, body: {id, was, cancelled: was !== 'running'}};
      },
    },
    steeringRoute(
      'pause',
      'Starts no further work, on any core that shares the journal, until it is resumed; that outlives the core. What runs goes on, and more is accepted.',
    ),
    steeringRoute('resume', 'Starts work again, on all of them.'),
  ];

  function steeringRoute(act: 'pause' | 'resume', doc: string): Route {
    return {
      method: 'POST',
      path: `/api/work/${act}`,
      described: described('workPaused'),
      doc,
      async run() {
        const runner = runnerOf(openWork(work));
        await pause.set(act === 'pause');
        runner.pause(act === 'pause');
        return {body: {paused: runner.isPaused}};
      },
    };
  }
}

/** @throws Refusal NOT_FOUND */
export function openWork(work: () => WorkControl | undefined): WorkControl {
  const control = work();
  if (!control) throw new Refusal('NOT_FOUND', 'this core takes no work: CORE_WORK=on lets callers send it');
  return control;
}

/** @throws Refusal NOT_READY */
function runnerOf({runner}: WorkControl): WorkSteering {
  if (!runner) throw new Refusal('NOT_READY', 'the core is starting: try again in a moment');
  return runner;
}

/** @throws Refusal BAD_REQUEST */
export function parsePage(query: URLSearchParams): {limit: number; after: string | undefined} {
  const limit = Number(query.get('limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostItems) throw new Refusal('BAD_REQUEST', `limit: expected 1 to ${mostItems}`);
  const after = query.get('after') ?? undefined;
  if (after !== undefined && !isId(after)) throw new Refusal('BAD_REQUEST', 'after: expected `next` of the page before');
  return {limit, after};
}

/** Whether a text may be the id of an invocation. */
export const isId = (text: string) => /^[\w-]{1,100}$/.test(text);

/** @param id as somebody asked for it: any text */
const noWork = (id: string) => new Refusal('NOT_FOUND', `no work \`${shown(id.slice(0, 100))}\`: it has ended, or there was none`);

/** Oldest first. */
export async function newestFacts(journal: Pick<JournalReader, 'read'>, id: string): Promise<Recorded[]> {
  const facts: Recorded[] = [];
  for await (const recorded of journal.read(`invocation.${id}`)) {
    facts.push(recorded);
    if (facts.length > mostFacts) facts.shift();
  }
  return facts;
}
