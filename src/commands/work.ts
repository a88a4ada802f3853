import {isoStamp, systemClock} from '../clock.ts';
import {choice, count, json, optional, text} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {type Cell, printTable} from '../command/table.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {type Asker, type ItemAnswer, queryOf, workAsker} from './work-answers.ts';

interface WorkAnswer {
  readonly paused: boolean;
  readonly waiting: number;
  readonly due: number;
  readonly behind: number;
  readonly running: number;
  readonly dead: number;
  readonly oldest?: number;
  readonly items: readonly ItemAnswer[];
  readonly next?: string;
}

const acts = ['pause', 'resume', 'cancel'];
const alive = 'waiting,behind,running';

/** `core-runtime work [pause | resume | cancel <id>]`: invocations that nobody waits for. */
export const work = command({
  summary: 'Shows the work that waits or runs in the core that runs here, or pauses, resumes or cancels it.',
  arguments: {
    act: optional(acts.join(', '), 'One of pause, resume, cancel; without it, the work is listed.'),
    id: optional('one id behind cancel', 'The item to cancel.'),
  },
  options: {
    status: choice(
      '<status>',
      ['waiting', 'behind', 'running', 'dead'],
      'List only the items with this status; by default, all but the dead letters.',
    ),
    key: text('<key>', 'List only the items with this ordering key.'),
    limit: count('<n>', 'How many to list at most, up to 500.', 50),
    json,
  },
  examples: {
    work: 'Show how much waits and runs, and the oldest items.',
    'work --status behind --key customer-7': 'List what waits for an earlier item of its ordering key.',
    'work pause': 'Start no further work, on any core that shares the journal; what runs goes on.',
    'work cancel 0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b': 'Cancel an item, or ask it to stop when it runs.',
  },
  async run({act, id, status, key, limit, json: isJson}, env) {
    if (act !== undefined && !acts.includes(act))
      throw new CommandFailed(exit.misused, `expected one of ${acts.join(', ')}, got \`${act}\``);
    if ((act === 'cancel') !== (id !== undefined))
      throw new CommandFailed(exit.misused, act === 'cancel' ? 'cancel: expected an id' : `expected no word behind ${act}, got \`${id}\``);
    const ask = await workAsker(env);
    const show = (answer: object, sentence: string) => (isJson ? printJson(answer) : print(sentence));
    if (act === 'cancel') return cancel(id ?? '');
    if (act !== undefined) {
      const answer = await ask('POST', `/api/work/${act}`);
      show(answer, answer.paused === true ? 'Work is paused: what runs goes on, and nothing is started' : 'Work goes on');
      return exit.done;
    }
    const answer = (await ask(
      'GET',
      `/api/work${queryOf({status: status ?? alive, key, limit: Math.min(limit, 500)})}`,
    )) as unknown as WorkAnswer; // as routes/work.ts writes it
    if (isJson) printJson(answer);
    else printWork(answer);
    return exit.done;

    async function cancel(which: string) {
      const answer = await (ask satisfies Asker)('DELETE', `/api/work/${encodeURIComponent(which)}`);
      show(answer, answer.cancelled === true ? `${which} is cancelled` : `${which} runs, and was asked to stop`);
      return exit.done;
    }
  },
});

function printWork({paused, waiting, due, behind, running, dead, oldest, items, next}: WorkAnswer): void {
  const age = oldest === undefined ? '' : `, the oldest for ${Math.max(0, Math.round((systemClock.now() - oldest) / 1000))} s`;
  const kinds = `${waiting} waiting (${due} due), ${behind} behind an earlier one, ${running} running${age}; dead letters: ${dead}`;
  print(`${paused ? 'Paused. ' : ''}${kinds}`);
  printTable(columns, items.map(cellsOf));
  if (next !== undefined) print('There is more: --limit, --status and --key choose');
}

const columns = [
  {head: 'ACCEPTED', width: 24},
  {head: 'ID', width: 36},
  {head: 'STATUS', width: 7},
  {head: 'ATTEMPTS', isNumber: true},
  {head: 'DUE', width: 24},
  {head: 'KEY'},
];

const cellsOf = ({acceptedAt, id, status, posting, attempts, due, orderingKey}: ItemAnswer): Cell[] => [
  {text: isoStamp(acceptedAt), style: 'dim'},
  id,
  {text: posting ? 'posting' : status, style: status === 'dead' ? 'red' : status === 'running' ? 'yellow' : undefined},
  attempts,
  {text: isoStamp(due), style: 'dim'},
  orderingKey,
];
