import path from 'node:path';
import {commandLine} from '../called-as.ts';
import {type Ago, ago, count, type Given, json, many, type Option, text} from '../command/arguments.ts';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';
import {type Aspect, aspects} from '../replay/compare.ts';
import {whichJournal} from './journal-at.ts';

export interface ReplayWish {
  readonly journal: string | undefined;
  readonly handler: string | undefined;
  /** Named invocations, or a sample of the recent ones. */
  readonly which: {readonly ids: readonly string[]} | {readonly agoMs: number; readonly sample: number};
  readonly against: string | undefined;
  readonly failOn: readonly Aspect[];
  readonly isJson: boolean;
}

const someAspects: Option<readonly Aspect[] | undefined> = {
  doc: `What ends with exit code 1: some of ${aspects.join(', ')}. By default all.`,
  value: '<aspects>',
  expected: `some of ${aspects.join(',')}`,
  read(given = aspects.join(',')) {
    const words = given.split(',').map(word => aspects.find(aspect => aspect === word.trim()));
    return words.every(word => word !== undefined) ? words : undefined;
  },
};

export const replayArguments = {id: many('ids of invocations', 'Ids of the invocations; leave them out with --since.')};

export const replayOptions = {
  since: ago('Run all that were accepted within this time, the oldest first.'),
  sample: count('<n>', 'How many of them to run, spread evenly.'),
  against: text('<handler>', 'Compare with this version of the code, instead of with the recorded replies.'),
  'fail-on': someAspects,
  journal: whichJournal.journal,
  handler: text(
    '<file>',
    'The current code, whose journal is read. By default the handler of the settings, or the file that was served last.',
  ),
  json,
};

/** @throws CommandFailed when the options do not go together */
export function replayWish(given: Given<typeof replayOptions, typeof replayArguments>): ReplayWish {
  const {id: ids, journal, handler, since, sample, against, 'fail-on': failOn = aspects, json: isJson} = given;
  return {
    journal,
    handler,
    which: which(ids, since, sample),
    against: against === undefined ? undefined : path.resolve(against),
    failOn,
    isJson,
  };
}

function which(ids: readonly string[], since: Ago | undefined, sample: number | undefined): ReplayWish['which'] {
  if ((ids.length === 0) === (since === undefined)) {
    throw new CommandFailed(exit.misused, `expected either ids of invocations or --since, as in \`${commandLine('replay --since 1h')}\``);
  }
  if (since) return {agoMs: since.ms, sample: sample ?? Number.POSITIVE_INFINITY};
  if (sample !== undefined) throw new CommandFailed(exit.misused, '--sample: expected --since with it, got ids of invocations');
  return {ids: ids.map(id => id.replace(/^invocation\./, ''))};
}
