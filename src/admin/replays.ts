import type Koa from 'koa';
import type {Fact, FactTypes} from '../facts.ts';
import type {Journal} from '../journal.ts';
import type {Budget} from '../limits/budget.ts';
import {verdicts} from '../replay/judge.ts';
import {Refusal} from './refusal.ts';

type Comparison = FactTypes['replay.compared'];

const mostBytes = 2 ** 20;
const mostAtOnce = 1000;

/**
`POST /api/replays`: a JSON list of what `replay.compared` facts say, from a replay that ran beside this core, which
alone may write the journal. Nothing is kept unless this journal knows every invocation.
*/
export async function keepComparisons(ctx: Koa.Context, journal: Journal, budget: Budget): Promise<void> {
  const given = parse(await read(ctx, budget));
  if (!given) throw new Refusal('BAD_REQUEST', `expected a JSON list of 1 to ${mostAtOnce} comparisons`);
  for (const {invocationId} of given) {
    // Another function's core may listen where this one was looked for.
    if (!(await journal.last(`invocation.${invocationId}`)))
      throw new Refusal('CONFLICT', `invocation ${invocationId} is not in this journal`);
  }
  await Promise.all(given.map(data => journal.append(`replay.${data.invocationId}`, [{type: 'replay.compared', data} satisfies Fact])));
  ctx.status = 201;
  ctx.body = {kept: given.length};
}

async function read(ctx: Koa.Context, budget: Budget): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const hold = budget.open('body');
  ctx.res.once('close', () => hold.release());
  // The connection stays open for the answer.
  for await (const chunk of ctx.req.iterator({destroyOnReturn: false})) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Refusal('BODY_TOO_LARGE', `expected at most ${mostBytes} bytes`);
    const fault = hold.grow(bytes);
    if (fault) throw fault;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
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

/** Only what the catalogue names. */
function readComparison(given: unknown): Comparison | undefined {
  const {invocationId, verdict: named, baseline, candidate} = Object(given);
  const verdict = verdicts.find(each => each === named);
  if (typeof invocationId !== 'string' || !/^[\w-]{1,100}$/.test(invocationId) || !verdict) return undefined;
  if (![baseline, candidate].every(digest => digest === undefined || /^[0-9a-f]{64}$/.test(String(digest)))) return undefined;
  return {invocationId, verdict, ...(baseline !== undefined && {baseline}), ...(candidate !== undefined && {candidate})};
}
