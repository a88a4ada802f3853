import {systemClock} from '../clock.ts';
import {askCore, messageOf, NoCore} from '../command/core-here.ts';
import type {Fact} from '../facts.ts';
import type {FollowOptions, Position, Recorded} from '../journal.ts';
import type {JournalArchive} from '../journals/engine.ts';
import type {PlainExplanation} from '../projections/plain.ts';
import type {Environment} from '../settings/setting.ts';

/** How often a follower asks for new facts. */
const pollMs = 500;
/** How long the core may take for a page: it reads for one caller after another. */
const waitMs = 30_000;

/**
The journal of the core that runs here, read through its private listener: for one that is in memory, or where this process
does not see the file. It has no payloads; `explain` gets what was made of them.
*/
export class CoreArchive implements JournalArchive {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** @returns undefined when nothing is known about it @throws NoCore */
  async explain(id: string): Promise<PlainExplanation | undefined> {
    const {status, body} = await askCore(this.#env, 'GET', `/api/invocations/${encodeURIComponent(id)}`, {waitMs});
    if (status === 404) return undefined;
    if (status !== 200 || !body) throw refusal(status, body);
    return body as unknown as PlainExplanation; // the same version of the core wrote it, or one that only adds members
  }

  async last(stream: string): Promise<Recorded | undefined> {
    let last: Recorded | undefined;
    for await (const recorded of this.read(stream)) last = recorded;
    return last;
  }

  async *read(stream: string): AsyncIterable<Recorded> {
    for await (const recorded of this.scan(stream)) if (recorded.stream === stream) yield recorded;
  }

  async *scan(prefix: string, {after = 0}: {after?: Position} = {}): AsyncIterable<Recorded> {
    for (let seen = after; ; ) {
      const page = await this.#page(prefix, seen);
      yield* page;
      const newest = page.at(-1)?.position;
      if (newest === undefined) return;
      seen = newest;
    }
  }

  readable(): AsyncIterable<Recorded> {
    return this.scan('');
  }

  async *follow({after, signal, prefix = ''}: FollowOptions): AsyncIterable<Recorded> {
    for (let seen = after; !signal.aborted; ) {
      for await (const recorded of this.scan(prefix, {after: seen})) {
        yield recorded;
        if (signal.aborted) return;
        seen = recorded.position;
      }
      if (!(await systemClock.sleep(pollMs, signal))) return;
    }
  }

  async payload(): Promise<undefined> {
    return undefined;
  }

  /** What is in memory is little: all of it may be read. */
  async before(): Promise<Position> {
    return 0;
  }

  [Symbol.dispose](): void {}

  async #page(prefix: string, after: Position): Promise<Recorded[]> {
    const query = new URLSearchParams({after: String(after), stream: prefix});
    const {status, text, body} = await askCore(this.#env, 'GET', `/api/facts?${query}`, {waitMs});
    if (status !== 200) throw refusal(status, body);
    return text.split('\n').filter(Boolean).map(recordedOf);
  }
}

function recordedOf(line: string): Recorded {
  const {stream, position, at, type, data} = JSON.parse(line); // the core wrote it with plainFact
  return {stream, position, at: Date.parse(at), fact: {type, data} as Fact};
}

function refusal(status: number, body: Record<string, unknown> = {}): NoCore {
  return new NoCore(`the core that runs here does not show its journal: ${messageOf(body) ?? `status ${status}`}`);
}
