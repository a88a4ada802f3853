import path from 'node:path';
import {parseArgs} from 'node:util';
import {type Aspect, aspects} from '../replay/compare.ts';
import {parseDuration} from '../settings/setting.ts';
import {exit} from './exit.ts';
import {CommandFailed, whichJournal} from './journal-at.ts';

export interface ReplayWish {
  readonly journal: string | undefined;
  readonly handler: string | undefined;
  /** Named ones, or all of the last time. */
  readonly which: {readonly ids: readonly string[]} | {readonly agoMs: number; readonly sample: number};
  readonly against: string | undefined;
  readonly failOn: readonly Aspect[];
  readonly isJson: boolean;
}

/** @throws CommandFailed that says what is wrong with the command line */
export function parseReplay(args: string[]): ReplayWish {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...whichJournal,
      since: {type: 'string'},
      sample: {type: 'string'},
      against: {type: 'string'},
      'fail-on': {type: 'string'},
      json: {type: 'boolean'},
    },
  });
  const {journal, handler, since, sample, against, 'fail-on': failOn, json} = values;
  return {
    journal,
    handler,
    which: which(positionals, since, sample),
    against: against === undefined ? undefined : path.resolve(against),
    failOn: failOn === undefined ? aspects : readAspects(failOn),
    isJson: json === true,
  };
}

function which(ids: readonly string[], since: string | undefined, sample: string | undefined): ReplayWish['which'] {
  if ((ids.length === 0) === (since === undefined)) {
    throw misused('expected either ids of invocations or --since, as in `core-runtime replay --since 1h`');
  }
  if (sample !== undefined && !/^[1-9]\d{0,6}$/.test(sample)) throw misused(`--sample: expected a number from 1 on, got \`${sample}\``);
  if (since === undefined) {
    if (sample !== undefined) throw misused('--sample: expected --since with it, got ids of invocations');
    return {ids: ids.map(id => id.replace(/^invocation\./, ''))};
  }
  const agoMs = parseDuration(since);
  if (agoMs === undefined) throw misused(`--since: expected a duration such as 15m or 24h, got \`${since}\``);
  return {agoMs, sample: sample === undefined ? Number.POSITIVE_INFINITY : Number(sample)};
}

function readAspects(given: string): Aspect[] {
  return given.split(',').map(word => {
    const found = aspects.find(aspect => aspect === word.trim());
    if (!found) throw misused(`--fail-on: expected some of ${aspects.join(',')}, got \`${given}\``);
    return found;
  });
}

const misused = (message: string) => new CommandFailed(exit.misused, message);
