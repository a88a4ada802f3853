import type {Clock} from '../../clock.ts';
import type {Journal} from '../../journal.ts';
import type {Budget} from '../../limits/budget.ts';
import type {Log} from '../../log.ts';
import type {Metrics} from '../../observe/metrics/metrics.ts';
import type {Route} from '../../route.ts';
import type {CallerRules} from '../caller.ts';
import type {CoreView} from '../core-view.ts';
import type {Readiness} from '../readiness.ts';
import {JournalDesk} from '../reading/desk.ts';
import type {WorkControl} from '../work/control.ts';
import {consoleRoutes} from './console.ts';
import {deadRoutes} from './dead.ts';
import {factsRoute} from './facts.ts';
import {invocationRoute, invocationsRoute} from './invocations.ts';
import {liveInvocationsRoute} from './live.ts';
import {metricsRoute} from './metrics.ts';
import {type NowHouse, nowRoutes} from './now.ts';
import {openApiRoute} from './openapi.ts';
import {payloadRoutes} from './payloads.ts';
import {liveRoute, readyRoute} from './probes.ts';
import {processesRoute} from './processes.ts';
import {reloadRoute} from './reload.ts';
import {type ReplayHouse, replayRoute} from './replay.ts';
import {replaysRoute} from './replays.ts';
import {scheduleHistoryRoute} from './schedule-history.ts';
import {sessionRoutes} from './session.ts';
import {type SettingsHouse, settingsRoute} from './settings.ts';
import {workRoutes} from './work.ts';

/** The parts of the core that the routes may use. */
export interface AdminHouse extends Pick<NowHouse, 'recent' | 'about'>, ReplayHouse {
  readonly journal: Journal;
  readonly clock: Clock;
  /** This boot of this core. */
  readonly core: string;
  /** The account to which bytes are charged that callers make this process hold. */
  readonly budget: Budget;
  readonly metrics: Metrics;
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** Lets newer code take over. @returns undefined, or why it did not */
  readonly reload: () => Promise<string | undefined>;
  /** Every process of this core. */
  readonly processes: () => Promise<readonly CoreView[]>;
  readonly settings: SettingsHouse;
  /** The work of this core; undefined while it takes none. */
  readonly work: () => WorkControl | undefined;
  readonly log: Log;
  /** CORE_TRACE_URL. */
  readonly traceUrl: string | undefined;
  /** What other parts of the core contribute to the table of routes. */
  readonly routes: readonly Route[];
  /** Who may use what. */
  readonly rules: CallerRules;
}

/** Every route of the core itself. A new one is a file and a line here. */
export function adminRoutes(house: AdminHouse): Route[] {
  const desk = new JournalDesk(house);
  const own: Route[] = [
    metricsRoute(house),
    liveRoute,
    readyRoute(house),
    ...consoleRoutes,
    ...sessionRoutes(house.rules, house),
    ...nowRoutes(house),
    processesRoute(house),
    settingsRoute(house),
    reloadRoute(house),
    replaysRoute(house),
    factsRoute(house, desk),
    invocationsRoute(house, desk),
    liveInvocationsRoute(house, desk),
    invocationRoute(house, desk),
    ...payloadRoutes(house, desk),
    replayRoute(house),
    scheduleHistoryRoute(house, desk),
    ...workRoutes(house, desk),
    ...deadRoutes(house, desk),
    openApiRoute(() => [...own, ...house.routes]),
  ];
  return own;
}
