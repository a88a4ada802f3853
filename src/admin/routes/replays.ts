import type {Fact, FactTypes} from '../../facts.ts';
import type {Journal} from '../../journal.ts';
import type {Budget} from '../../limits/budget.ts';
import {verdicts} from '../../replay/judge.ts';
import {Refusal, type Route} from '../../route.ts';
import {readBody} from '../reading/body.ts';
import {described} from './described.ts';

type Comparison = FactTypes['replay.compared'];

const mostBytes = 2 ** 20;
const mostAtOnce = 1000;

/**
`POST /api/replays`: a JSON list of the data of `replay.compared` facts, from a replay that ran beside this core, as this
core alone may write the journal. Nothing is kept unless this journal has every invocation.
*/
export function replaysRoute({journal, budget}: {readonly journal: Journal; readonly budget: Budget}): Route {
  return {
    method: 'POST',
    path: '/api/replays',
    described: described('replays'),
    doc: 'Keeps what a replay found: a JSON list of `{invocationId, verdict, baseline, candidate}`.',
    async run({request, response}) {
      const comparisons = parse(await readBody(request, response, budget, mostBytes));
      if (!comparisons) throw new Refusal('BAD_REQUEST', `expected a JSON list of 1 to ${mostAtOnce} comparisons`);
      for (const {invocationId} of comparisons) {
        // The caller may have found the core of another function at this address.
        if (!(await journal.last(`invocation.${invocationId}`)))
          throw new Refusal('CONFLICT', `invocation ${invocationId} is not in this journal`);
      }
      const facts = comparisons.map(data => ({type: 'replay.compared', data}) satisfies Fact);
      await Promise.all(facts.map(fact => journal.append(`replay.${fact.data.invocationId}`, [fact])));
      return {status: 201, body: {kept: comparisons.length}};
    },
  };
}

function parse(text: string): Comparison[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > mostAtOnce) return undefined;
  const read = list.map(readComparison);
  return read.every(each => each !== undefined) ? read : undefined;
}

/** Keeps only the members that the catalogue of facts names. */
function readComparison(given: unknown): Comparison | undefined {
  const {invocationId, verdict: named, baseline, candidate} = Object(given);
  const verdict = verdicts.find(each => each === named);
  if (typeof invocationId !== 'string' || !/^[\w-]{1,100}$/.test(invocationId) || !verdict) return undefined;
  if (![baseline, candidate].every(digest => digest === undefined || /^[0-9a-f]{64}$/.test(String(digest)))) return undefined;
  return {invocationId, verdict, ...(baseline !== undefined && {baseline}), ...(candidate !== undefined && {candidate})};
}
