import {parentPort, receiveMessageOnPort} from 'node:worker_threads';
import {atTurnEnd} from '../../clock.ts';
import {JournalDamaged, type Position} from '../../journal.ts';
import {Answers} from './answers.ts';
import {unbundled} from './bundle.ts';
import {RetentionClock} from './clock.ts';
import {isCorrupt} from './errors.ts';
import {fileItself} from './file.ts';
import {Keeper} from './keeper.ts';
import {JournalHeld} from './lock.ts';
import {type Batch, type Command, type FromWriter, lengthOf, type Opening, type Outcome, type ToWriter} from './messages.ts';
import {holdPath} from './path.ts';

/*
The writer's thread. It owns the only connection that writes, and commits everything that waits at once, with one sync. It
also reads, over a second connection, so that the core's thread never waits for the disk.
*/

/** Most that one commit takes, as everything behind it waits for it. */
const mostCommands = 512;
const mostCharacters = 2 ** 20;

if (!parentPort) throw new TypeError('Expected to run as a worker thread');
const port = parentPort;
const {path: name, retention} = await new Promise<Opening>(resolve => port.once('message', resolve));
const path = fileItself(name);
const say = (message: FromWriter) => port.postMessage(message);

const answers = new Answers(path, say);
/** Where the sweep goes on; undefined while no sweep is running. */
let sweptUntil: Position | undefined;
let sweptAt = 0;
/** A sweep that was asked for while commits waited. */
let sweepDue: Extract<ToWriter, {type: 'sweep'}> | undefined;
const age = new RetentionClock();
let isLeapLogged = false;
const loggedDamaged = new Set<Position>();

let hold: Disposable | undefined;
let keeper: Keeper;
try {
  hold = await holdPath(path);
  keeper = new Keeper(path, retention, say, () => answers.close());
  keeper.loseRunning();
  say({type: 'opened'});
  port.on('message', serve);
} catch (error) {
  hold?.[Symbol.dispose]();
  const reason = error instanceof JournalHeld ? 'held' : error instanceof JournalDamaged || isCorrupt(error) ? 'damaged' : 'unwritable';
  say({type: 'refused', reason, message: textOf(error)});
}

type Arrived = Omit<Batch, 'commands'> & {readonly commands: readonly Command[]};

/** Takes every message that waits, commits batches in groups, and answers questions in their order between them. */
function serve(first: Exclude<ToWriter, Opening>): void {
  let batches: Arrived[] = [];
  let commands = 0;
  let characters = 0;
  const flush = () => {
    if (batches.length > 0) commitAll(batches);
    batches = [];
    commands = 0;
    characters = 0;
  };
  for (let message: Exclude<ToWriter, Opening> | undefined = first; message; message = receiveMessageOnPort(port)?.message) {
    if (message.type !== 'batch') {
      flush();
      if (act(message)) return;
      continue;
    }
    const arrived = {...message, commands: message.commands.map(each => ('bundle' in each ? unbundled(each.bundle) : each))};
    batches.push(arrived);
    commands += arrived.commands.length;
    for (const command of arrived.commands) {
      characters += lengthOf(command);
      for (const {bytes} of command.payloads ?? []) characters += bytes.length;
    }
    if (commands >= mostCommands || characters >= mostCharacters) flush();
  }
  flush();
  sweepSome();
}

/** @returns true when the thread is done */
function act(message: Exclude<ToWriter, Batch | Opening>): boolean {
  switch (message.type) {
    case 'question':
      answers.give(message.id, message.question);
      return false;
    case 'sweep':
      sweepDue = message;
      return false;
    case 'look':
      keeper.look(message.now);
      say({type: 'looked'});
      return false;
    case 'close':
      keeper[Symbol.dispose]();
      hold?.[Symbol.dispose]();
      say({type: 'closed'});
      port.close();
      return true;
  }
}

function commitAll(batches: readonly Arrived[]): void {
  const now = batches.at(-1)?.now ?? 0;
  let outcomes: Outcome[];
  try {
    outcomes = keeper.commit(
      batches.flatMap(({commands}): readonly Command[] => commands),
      now,
    );
  } catch (error) {
    const failure = textOf(error);
    say({type: 'committed', batches: batches.map(({id}) => ({id, outcomes: [], failure}))});
    return;
  }
  const done = batches.map(({id, commands}) => ({id, outcomes: outcomes.splice(0, commands.length)}));
  say({type: 'committed', batches: done});
}

/** Begins to remove what is old, by the time that the journal has seen pass. */
function beginSweep({now, upMs}: Extract<ToWriter, {type: 'sweep'}>): void {
  sweepDue = undefined;
  const unseen = keeper.unseenMs(now);
  if (unseen === undefined) return;
  sweptUntil = 0;
  sweptAt = age.at(now, upMs, unseen);
  const hours = Math.floor((now - sweptAt) / 3_600_000);
  const isEverRemoved = retention.factsMs < Number.MAX_SAFE_INTEGER; // a command that only appends never removes anything
  if (hours >= 24 && isEverRemoved && !isLeapLogged) {
    const cause = `${hours} hours went by in which no fact was written`;
    say({
      type: 'logged',
      level: 'warn',
      message: 'No core ran for long, or the clock was set forward: what is old is kept for one day more',
      cause,
    });
  }
  isLeapLogged = hours >= 24;
}

/** Removes a few rows between two commits, until nothing more is to be removed. */
function sweepSome(): void {
  if (sweepDue) beginSweep(sweepDue);
  if (sweptUntil === undefined) return;
  const swept = keeper.sweep(sweptAt, sweptUntil);
  sweptUntil = swept?.next;
  if (!swept) return;
  for (const last of swept.damaged) logDamaged(last);
  const {payloads, early} = swept;
  if (payloads > 0) say({type: 'shredded', payloads, early, until: sweptAt});
  if (swept.next !== undefined) atTurnEnd(sweepSome); // behind the commits that wait
}

/** Reports it once, as every sweep finds it again. */
function logDamaged(last: Position): void {
  if (loggedDamaged.has(last)) return;
  loggedDamaged.add(last);
  const cause = `the facts up to ${last} are not what was written`;
  say({type: 'logged', level: 'error', message: 'Old facts stay, as they are damaged and what they hold cannot be known', cause});
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
