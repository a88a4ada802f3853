import {commandLine} from '../called-as.ts';
import {systemClock} from '../clock.ts';
import {count, flag, json, type Option, several} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {printTable} from '../command/table.ts';
import {complain, print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {deadFilter} from './dead-filter.ts';
import {untilInterrupted} from './journal-at.ts';
import {type Asker, deadCells, deadColumns, type ItemAnswer, type RedriveAnswer, workAsker} from './work-answers.ts';

const usualRate = 10;
const everyMs = 500;

const rate: Option<number | undefined> = {
  doc: `How many are sent a second at most. By default ${usualRate}.`,
  value: '<n>/s',
  expected: 'a rate from 1/s to 1000/s',
  read(given = `${usualRate}`) {
    const [, digits] = /^(\d{1,4})(?:\/s)?$/.exec(given) ?? [];
    return Number(digits) >= 1 && Number(digits) <= 1000 ? Number(digits) : undefined;
  },
};

/** `core-runtime dead redrive`: exit code 1 unless all were sent. Ctrl-C stops it. */
export const deadRedrive = command({
  summary: 'Sends dead letters of the core that runs here again, with attempts anew, and waits until all are sent.',
  options: {
    ...deadFilter,
    id: several('<id>', 'an id', 'Only this one.', text => (/^[\w-]{1,100}$/.test(text) ? text : undefined)),
    preview: flag('Only say which would be sent.'),
    canary: count('<n>', 'Send so many first, and the others only when all of these have succeeded.'),
    rate,
    json,
  },
  examples: {
    'dead redrive --since 1h --preview': 'Say which of the last hour would be sent.',
    'dead redrive --class timeout --canary 1 --rate 10/s': 'Send one, and when it has succeeded all others, ten a second.',
  },
  async run({since, class: failure, status, id, preview: isPreview, canary, rate: perSecond, json: isJson}, env) {
    const ask = await workAsker(env);
    const wish = {since: since?.text, class: failure, status, canary, rate: perSecond, ...(id.length > 0 && {ids: id})};
    if (isPreview) {
      const preview = (await ask('POST', '/api/dead/redrive', {...wish, preview: true})) as unknown as Preview; // as routes/dead.ts writes it
      isJson ? printJson(preview) : printPreview(preview);
      return exit.done;
    }
    const begun = (await ask('POST', '/api/dead/redrive', wish)) as unknown as {redrive: RedriveAnswer};
    const last = await follow(ask, begun.redrive);
    isJson ? printJson(last) : print(sentence(last));
    return last.state === 'done' ? exit.done : exit.failed;
  },
});

interface Preview {
  readonly count: number;
  readonly more: boolean;
  readonly items: readonly ItemAnswer[];
}

/** Waits for its end; when the person leaves, it is stopped. */
async function follow(ask: Asker, begun: RedriveAnswer): Promise<RedriveAnswer> {
  const signal = untilInterrupted();
  let saidChecking = false;
  for (let last = begun; ; ) {
    if (last.endedAt !== undefined) return last;
    if (last.state === 'checking' && !saidChecking) {
      complain(`${last.sent} sent; waiting until they have ended`);
      saidChecking = true;
    }
    const method = (await systemClock.sleep(everyMs, signal)) ? 'GET' : 'DELETE';
    last = ((await ask(method, '/api/dead/redrive')) as unknown as {redrive: RedriveAnswer}).redrive;
  }
}

function printPreview({count: sum, more, items}: Preview): void {
  printTable(deadColumns, items.map(deadCells));
  print(`${more ? `${sum} or more` : sum} would be sent${items.length < sum ? `; these are the oldest ${items.length}` : ''}`);
}

function sentence({state, sent, skipped, cause}: RedriveAnswer): string {
  const others = skipped > 0 ? `, ${skipped} were no dead letters any more` : '';
  const end = state === 'done' ? '' : `; ${state}: ${cause ?? 'for an unknown cause'}`;
  return `${sent} sent again${others}${end}. \`${commandLine('work')}\` shows what becomes of them`;
}
