import {execFileSync} from 'node:child_process';
import {randomInt} from 'node:crypto';

/*
Machines of their own, as far as the network is concerned: namespaces, joined by a bridge that only this machine can reach. They
can be cut off from one another. Needs root and `ip`.
*/

export interface Machine {
  readonly ip: string;
  /** What a command begins with that runs on it. */
  readonly prefix: readonly string[];
  /** What is sent from here to there, and from there to here, is lost without a word to whoever sends it. */
  cut(others: readonly Machine[]): void;
  mend(): void;
  /** What is sent from here to this address is lost from now on, or is not any more. */
  lose(address: string, isLost: boolean): void;
}

export interface Network extends Disposable {
  readonly machines: readonly Machine[];
}

/** Frames to this address go out, and no machine takes them. A blackhole route would refuse whoever sends. */
const nowhere = '02:00:00:00:00:01';

const ip = (...args: readonly string[]) => execFileSync('ip', args, {stdio: ['ignore', 'ignore', 'pipe']});

/** False where no namespaces can be made. */
export function canNetwork(): boolean {
  const name = `corenet${randomInt(1e9)}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return true;
  } catch {
    return false;
  }
}

/** @param count how many machines */
export function openNetwork(count: number): Network {
  const id = randomInt(10_000); // not the process's: all files of tests that run at once are in one
  const [bridge, net] = [`cb${id}`, `10.${200 + (id % 50)}.${Math.floor(id / 50) % 250}`];
  const names = Array.from({length: count}, (_, index) => `c${id}n${index}`);
  const close = () => {
    for (const name of names) attempt(() => ip('netns', 'del', name));
    attempt(() => ip('link', 'del', bridge));
  };
  try {
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('addr', 'add', `${net}.254/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    return {machines: names.map((name, index) => machine(name, `${net}.${index + 1}`, bridge)), [Symbol.dispose]: close};
  } catch (error) {
    close();
    throw error;
  }
}

function machine(name: string, address: string, bridge: string): Machine {
  const inside = (...args: readonly string[]) => ip('-n', name, ...args);
  ip('netns', 'add', name);
  ip('link', 'add', `${name}v`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip('link', 'set', `${name}v`, 'master', bridge, 'up');
  inside('addr', 'add', `${address}/24`, 'dev', 'eth0');
  inside('link', 'set', 'lo', 'up');
  inside('link', 'set', 'eth0', 'up');
  let cut: readonly Machine[] = [];
  const lose = (other: string, isLost: boolean) =>
    isLost
      ? inside('neigh', 'replace', other, 'lladdr', nowhere, 'dev', 'eth0', 'nud', 'permanent')
      : inside('neigh', 'del', other, 'dev', 'eth0');
  const part = (others: readonly Machine[], isLost: boolean) => {
    for (const other of others) {
      lose(other.ip, isLost);
      other.lose(address, isLost);
    }
  };
  return {
    ip: address,
    prefix: ['ip', 'netns', 'exec', name],
    cut(others) {
      part(others, true);
      cut = [...cut, ...others];
    },
    mend() {
      part(cut, false);
      cut = [];
    },
    lose,
  };
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // It does not exist.
  }
}
