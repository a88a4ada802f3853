import {type Command, type Loose, lengthOf} from './messages.ts';

/** The levels of what is kept, from everything down: each level leaves out one thing more. */
export const keeps = {all: 0, noRecordedPayloads: 1, nothingNew: 2, onlyEnds: 3} as const;

/** Which parts of some commands are written, and how much is dropped. */
export interface Admission {
  /** Each command as it is written, or why it is refused, in their order. */
  readonly commands: readonly (Command | {readonly refused: string})[];
  /** Dropped. */
  readonly facts: number;
  /** Dropped. */
  readonly payloads: number;
  /** Written. */
  readonly bytes: number;
}

/**
Decides what is written when there is little room. First payloads that were only recorded are dropped, as nobody was
promised them. Then work that has not begun is refused. Then facts that were only recorded are dropped. The end of work
that was accepted is always written.

@param payloadBytes most bytes of payloads; past it commands that were recorded are written without theirs
@param why the reason with which commands are refused
*/
export function admit(commands: readonly Command[], level: number, payloadBytes: number, why: string): Admission {
  let left = payloadBytes;
  let [facts, payloads] = [0, 0];
  const admitted = commands.map(command => {
    const size = sizeOf(command);
    if (command.stream === undefined) {
      if (level >= keeps.onlyEnds) {
        facts += command.count;
        payloads += command.payloads?.length ?? 0;
        return empty;
      }
      if (size === 0) return command;
      const kept = (level >= keeps.noRecordedPayloads ? [] : (command.payloads ?? [])).filter(({bytes}) => {
        if (bytes.length > left) return false;
        left -= bytes.length;
        return true;
      });
      payloads += (command.payloads?.length ?? 0) - kept.length;
      return {...command, payloads: kept};
    }
    if (command.begins && (level >= keeps.nothingNew || size > payloadBytes)) return {refused: size > payloadBytes ? tooLarge : why};
    if (size > payloadBytes) {
      payloads += command.payloads?.length ?? 0;
      return {...command, payloads: []};
    }
    left -= size;
    return command;
  });
  return {
    commands: admitted,
    facts,
    payloads,
    bytes: admitted.reduce((sum, each) => sum + ('refused' in each ? 0 : lengthOf(each) + sizeOf(each)), 0),
  };
}

const tooLarge = 'its payload is larger than CORE_JOURNAL_MAX_SIZE lets it keep';
const empty: Loose = {stream: undefined, lines: new Uint8Array(), count: 0};

/** Bytes of its payloads. */
function sizeOf({payloads = []}: Command): number {
  let size = 0;
  for (const {bytes} of payloads) size += bytes.length;
  return size;
}
