import type {Route} from '../../route.ts';
import type {CoreView} from '../core-view.ts';
import {described} from './described.ts';

/** `GET /api/processes`: the processes of the core and of the function. */
export function processesRoute({processes}: {readonly processes: () => Promise<readonly CoreView[]>}): Route {
  return {
    method: 'GET',
    path: '/api/processes',
    described: described('processes'),
    doc: 'The processes of the core and of the function, and those that ended, with the reason and their last words.',
    run: async () => ({body: {cores: await processes()}}),
  };
}
