import {Refusal, type Route} from '../../route.ts';
import {described} from './described.ts';

/** `POST /api/reload`: lets newer code take over, and answers when it has. */
export function reloadRoute({reload}: {readonly reload: () => Promise<string | undefined>}): Route {
  return {
    method: 'POST',
    path: '/api/reload',
    described: described('reload'),
    doc: 'Lets newer code take over, and answers when it has; 409 with the cause when the old code goes on serving.',
    async run() {
      const problem = await reload();
      if (problem !== undefined) throw new Refusal('NOT_RELOADED', problem, {details: {reloaded: false, cause: problem}});
      return {body: {reloaded: true}};
    },
  };
}
