import {Refusal, type Route} from '../../route.ts';
import {described} from './described.ts';

export interface ReplayHouse {
  /** Runs a recorded invocation in the present code, and says what differs. @param signal breaks it off */
  readonly replay: (id: string, signal: AbortSignal) => Promise<object>;
}

/** `POST /api/invocations/<id>/replay`: runs an invocation in the present code. It starts two processes for it, so one at a time. */
export function replayRoute({replay}: ReplayHouse): Route {
  let isBusy = false;
  return {
    method: 'POST',
    path: '/api/invocations/<id>/replay',
    described: described('replay'),
    doc: 'Runs a recorded invocation again, twice, in processes of its own with the current code, and answers with what differs from what was recorded; one at a time, else 409.',
    async run({name: id, response}) {
      if (isBusy) throw new Refusal('CONFLICT', 'another invocation is being replayed: try again when that is over');
      isBusy = true;
      const left = new AbortController();
      response.once('close', () => left.abort());
      try {
        return {body: await replay(id, left.signal)};
      } finally {
        isBusy = false;
      }
    },
  };
}
