import type {Route} from '../../route.ts';
import type {Readiness} from '../readiness.ts';
import {described} from './described.ts';

/** `GET /livez`: 200 while the process answers at all. */
export const liveRoute: Route = {
  method: 'GET',
  path: '/livez',
  described: described('live'),
  open: true,
  doc: '200 while the process answers at all.',
  run: () => ({body: {live: true}}),
};

/** `GET /readyz`: 200 when the function can take calls, else 503 and why. */
export function readyRoute({readiness}: {readonly readiness: () => Readiness | Promise<Readiness>}): Route {
  return {
    method: 'GET',
    path: '/readyz',
    described: described('ready'),
    doc: '200 when the function can take calls, else 503 with the phase and the cause.',
    open: true,
    async run() {
      const state = await readiness();
      return {status: state.ready ? 200 : 503, body: state};
    },
  };
}
