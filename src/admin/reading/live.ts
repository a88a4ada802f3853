import type {JournalReader, Recorded} from '../../journal.ts';
import {fits} from '../../projections/invocation-list.ts';
import {evolveInvocation, type InvocationView, prefix} from '../../projections/invocations.ts';
import {withRequests} from '../../projections/kept-requests.ts';

export interface LiveWish {
  readonly status?: string | undefined;
  readonly source?: string | undefined;
  /** Adds what was asked, where it is kept. */
  readonly withRequests: boolean;
}

/** Invocations that are sent at a time, and with what was asked; the others are counted. */
const most = {plain: 200, asked: 100};
/** Invocations that run and are remembered until they end, so that their end has their beginning, too. */
const mostRunning = 2000;

/** Turns new facts into rows of a list of invocations, for one event stream. */
export class LiveInvocations {
  readonly #journal: JournalReader;
  readonly #wish: LiveWish;
  readonly #running = new Map<string, InvocationView>();

  constructor(journal: JournalReader, wish: LiveWish) {
    this.#journal = journal;
    this.#wish = wish;
  }

  /** @returns the text of an event; '' when nothing fits */
  async write(facts: readonly Recorded[]): Promise<string> {
    const changed = this.#fold(facts);
    const limit = this.#wish.withRequests ? most.asked : most.plain;
    const rows: InvocationView[] = [];
    for (const view of changed.slice(-limit)) {
      const whole = await this.#whole(view);
      if (fits(whole, this.#wish)) rows.push(whole);
    }
    const more = Math.max(0, changed.length - limit);
    if (rows.length === 0 && more === 0) return '';
    const invocations = this.#wish.withRequests ? await withRequests(this.#journal, rows) : rows;
    return `event: invocations\ndata: ${JSON.stringify({invocations, more})}\n\n`;
  }

  /** What became of each invocation, the one that changed last at the end. */
  #fold(facts: readonly Recorded[]): InvocationView[] {
    const changed = new Map<string, InvocationView>();
    for (const recorded of facts) {
      const {stream} = recorded;
      const view = evolveInvocation(changed.get(stream) ?? this.#running.get(stream), recorded);
      if (!view) continue;
      changed.delete(stream);
      changed.set(stream, view);
    }
    for (const [stream, view] of changed) {
      this.#running.delete(stream);
      if (view.status === 'running') this.#running.set(stream, view);
    }
    for (const oldest of this.#running.keys()) {
      if (this.#running.size <= mostRunning) break;
      this.#running.delete(oldest);
    }
    return [...changed.values()].filter(view => fits(view, this.#wish));
  }

  /** One that began before the stream did is known by its end only. */
  async #whole(view: InvocationView): Promise<InvocationView> {
    if (view.acceptedAt !== undefined) return view;
    let whole: InvocationView | undefined;
    for await (const recorded of this.#journal.read(prefix + view.id)) whole = evolveInvocation(whole, recorded);
    return whole ?? view;
  }
}
