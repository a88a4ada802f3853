import type {ExitCode} from '../exit.ts';
import type {Environment} from '../settings/setting.ts';
import type {Arguments, Given, Options} from './arguments.ts';

/** Commands by their names; each is loaded only when it is given, or its help is. Two words make a group, such as `journal`. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>;

/** What a command works with, in the order of the lists of commands. */
export const sections = ['serving', 'settings', 'core', 'journal', 'sub-runtime'] as const;

/** The commands that something brings, by their sections. */
export type CommandTable = Readonly<Partial<Record<(typeof sections)[number], Commands>>>;

/** One command. Its name is its key in the table of commands; parsing, `--help` and the README's list are made from it. */
export interface Command<O extends Options = Options, A extends Arguments = Arguments> {
  /** What it does, in one sentence. */
  readonly summary: string;
  /** By name, in the order of the command line. */
  readonly arguments?: A;
  readonly options?: O;
  /** Command lines without `core-runtime`, each with what it does. */
  readonly examples: Readonly<Record<string, string>>;
  /** False: the command runs with bad settings, too, because it reports them itself or does without. */
  readonly checksSettings?: false;
  /** True: it runs a core until a signal comes. The core checks the settings, and sets the exit code. */
  readonly serves?: true;
  /** @throws CommandFailed, ConfigurationError, JournalDamaged; any other error is a bug and keeps its stack */
  run(given: Given<O, A>, env: Environment): Promise<ExitCode>;
}

/** Gives `run` the types of the arguments and options that stand beside it. */
export const command = <const O extends Options, const A extends Arguments>(it: Command<O, A>): Command<O, A> => it;
