import type {Clock} from '../../../clock.ts';

/** A core that was not heard of for so long is not counted on. */
const silentMs = 20_000;

/** Cores that were heard of lately. It only says who begins with what; who may take over is asked of their leases. */
export class Living {
  readonly #self: string;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #heardAt = new Map<string, number>();

  constructor(self: string, clock: Pick<Clock, 'monotonic'>) {
    this.#self = self;
    this.#clock = clock;
  }

  heard(core: string, lives: boolean): void {
    if (lives) this.#heardAt.set(core, this.#clock.monotonic());
    else this.#heardAt.delete(core);
  }

  /** Of the cores that live, this one begins with the item. Each item has one, so that they do not all ask for the same. */
  isFirst(id: string): boolean {
    const own = weigh(id, this.#self);
    const now = this.#clock.monotonic();
    for (const [core, at] of this.#heardAt) {
      if (now - at > silentMs) this.#heardAt.delete(core);
      else if (core !== this.#self && weigh(id, core) > own) return false;
    }
    return true;
  }
}

/** FNV-1a, with its bits mixed once more, as cores differ in few of them. */
function weigh(id: string, core: string): number {
  let hash = 2_166_136_261;
  for (const text of [core, id]) for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507);
  return (hash ^ (hash >>> 13)) >>> 0;
}
