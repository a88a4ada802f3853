import {closeSync, openSync} from 'node:fs';
import {isatty} from 'node:tty';

/**
Makes the function that says whether the terminal in which this process was started is closed: that, too, sends SIGHUP. It counts
when any of the standard streams is that terminal, as the output may go on to another program.
*/
export function watchTerminal(): () => boolean {
  const startedInTerminal = [0, 1, 2].some(isatty) && hasTerminal();
  return () => startedInTerminal && !hasTerminal();
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
