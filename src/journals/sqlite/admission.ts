import type {Command, Loose} from './messages.ts';

/** What is kept, from all to the least: each leaves out one thing more. */
export const keeps = {all: 0, noRecordedPayloads: 1, nothingNew: 2, onlyEnds: 3} as const;

/** What is to be written of some commands, and what is dropped. */
export interface Admission {
  /** By the place of the command: as it is written, or why it is refused. */
  readonly commands: readonly (Command | {readonly refused: string})[];
  readonly facts: number;
  readonly payloads: number;
  /** Of what is written. */
  readonly bytes: number;
}

/**
What nobody was promised goes first: payloads that were only recorded. Then work is refused that has not begun, then
facts are dropped that were only recorded. The end of what was accepted is always written.

@param payloadBytes of payloads, at most; what was recorded goes without them past it
@param why what the refused are told
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
    bytes: admitted.reduce((sum, each) => sum + ('refused' in each ? 0 : each.text.length + sizeOf(each)), 0),
  };
}

const tooLarge = 'its payload is larger than CORE_JOURNAL_MAX_SIZE lets it keep';
const empty: Loose = {stream: undefined, text: '', count: 0};

/** Bytes of payloads. */
function sizeOf({payloads = []}: Command): number {
  let size = 0;
  for (const {bytes} of payloads) size += bytes.length;
  return size;
}
