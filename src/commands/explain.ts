import {systemClock} from '../clock.ts';
import {json, optional} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import type {JournalReader} from '../journal.ts';
import {explainInvocation} from '../projections/explanation.ts';
import {findInvocations, mostFound} from '../projections/find.ts';
import {listInvocations} from '../projections/invocation-list.ts';
import {type PlainExplanation, plainExplanation} from '../projections/plain.ts';
import {CoreArchive} from './core-archive.ts';
import {explanationText} from './explain-text.ts';
import {openArchive, whichJournal} from './journal-at.ts';
import {findJournal} from './journal-choice.ts';

/** `core-runtime explain [<id>]`: everything that is known about one invocation. */
export const explain = command({
  summary: 'Explains one invocation: request, reply, log lines and error, where the time went, in which process, with which code.',
  arguments: {
    id: optional(
      'at most one invocation id',
      'Id of the invocation, or how it begins or ends; a reply carries it as Core-Invocation-Id. By default the last one.',
    ),
  },
  options: {...whichJournal, json},
  examples: {
    explain: 'Explain the last invocation.',
    'explain 7f3a': 'Explain the one whose id ends, or begins, so.',
    'explain 01a20731-45f2-7c3b-a3c2-e0a7b364f376 --json': 'Print all that is known of one, for a program.',
  },
  async run({id: given, ...which}, env) {
    using archive = await openArchive(await findJournal(which, env));
    const id = given === undefined ? await lastId(archive) : await idOf(archive, given.replace(/^invocation\.|^#/, ''));
    const plain = await explained(archive, id);
    if (!plain) throw unknown(id);
    which.json ? printJson(plain) : console.log(explanationText(plain, systemClock.now()).join('\n'));
    return exit.done;
  },
});

/** What a core keeps in memory it explains itself. */
async function explained(archive: JournalReader, id: string): Promise<PlainExplanation | undefined> {
  if (archive instanceof CoreArchive) return archive.explain(id);
  const explanation = await explainInvocation(archive, id);
  return explanation && plainExplanation(explanation);
}

async function lastId(archive: JournalReader): Promise<string> {
  const [last] = await listInvocations(archive, {since: 0, now: systemClock.now(), limit: 1});
  if (!last) throw new CommandFailed(exit.failed, 'the journal has no invocation yet');
  return last.id;
}

/** @throws CommandFailed when no invocation, or more than one, is called so */
async function idOf(archive: JournalReader, part: string): Promise<string> {
  const found = await findInvocations(archive, part);
  const [id] = found;
  if (id === undefined) throw unknown(part);
  if (found.length === 1) return id;
  const newest = found.slice(-mostShown).reverse();
  const many = found.length >= mostFound ? `${mostFound} invocations or more` : `${found.length} invocations`;
  throw new CommandFailed(exit.failed, `${many} begin or end with ${part}; the newest are\n  ${newest.join('\n  ')}`);
}

const mostShown = 5;

const unknown = (id: string) => new CommandFailed(exit.failed, `nothing is known about invocation ${id}: ${whyUnknown}`);
const whyUnknown = 'another journal has it, it is not kept any more, or its request was refused: refused requests are not kept';
