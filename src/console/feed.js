import {ask, Failure} from './api.js';
import {leavesGap, merged, mostRows} from './rows.js';

/** @typedef {import('./answers.js').Row} Row */
/** @typedef {{status: string, source: string, path: string, id: string, since: string}} Filter */

const pageRows = 200;
const againMs = 2000;

/**
 * The invocations that fit a filter, the newest first: what the journal has, page by page, and what happens now. News
 * is gathered, and told once for each frame of the screen.
 */
export class Feed {
  /** @type {readonly Row[]} oldest first */
  rows = [];
  /** @type {Failure | undefined} */
  failure;
  isLoaded = false;
  /** Left out by the core under load. */
  leftOut = 0;
  #filter;
  #tell;
  #leaving = new AbortController();
  /** @type {Map<string, Row>} */
  #news = new Map();
  /** @type {string | undefined} */
  #next;
  #isLoadingMore = false;
  #isDue = false;
  /** @type {EventSource | undefined} */
  #stream;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Filter} filter
   * @param {() => void} tell
   */
  constructor(filter, tell) {
    this.#filter = filter;
    this.#tell = tell;
  }

  /** @param {boolean} isLive whether what happens from now on is added */
  async open(isLive) {
    clearTimeout(this.#timer);
    const before = this.rows;
    try {
      // The stream first: nothing is lost between it and the page.
      if (isLive) this.#listen();
      const {invocations, next} = await this.#page();
      if (leavesGap(before, invocations, next)) {
        const old = new Set(before.map(({id}) => id));
        this.rows = this.rows.filter(({id}) => !old.has(id));
        this.#next = undefined;
      }
      this.#next = this.#next ?? next;
      this.failure = undefined;
      this.isLoaded = true;
      this.#take(invocations);
    } catch (error) {
      if (!this.#leaving.signal.aborted) this.#fail(error, isLive);
    }
    this.#plan();
  }

  get hasMore() {
    return this.#next !== undefined && this.rows.length < mostRows;
  }

  /** Loads the page before the oldest row. */
  async more() {
    if (!this.hasMore || this.#isLoadingMore) return;
    this.#isLoadingMore = true;
    try {
      const {invocations, next} = await this.#page(this.#next);
      this.#next = next;
      const known = new Set(this.rows.map(({id}) => id));
      this.rows = [...invocations.filter((/** @type {Row} */ {id}) => !known.has(id)).reverse(), ...this.rows];
      this.#tell();
    } catch {
      // Scrolling further tries again.
    } finally {
      this.#isLoadingMore = false;
    }
  }

  pause() {
    this.#stream?.close();
    this.#stream = undefined;
  }

  close() {
    this.#leaving.abort();
    clearTimeout(this.#timer);
    this.pause();
  }

  /** @param {string} [before] */
  #page(before = '') {
    const given = Object.entries({...this.#filter, limit: String(pageRows), with: 'request', before}).filter(([, value]) => value !== '');
    return ask(`api/invocations?${new URLSearchParams(given)}`, {signal: this.#leaving.signal});
  }

  #listen() {
    this.pause();
    const {status, source} = this.#filter;
    const given = Object.entries({source, with: 'request'}).filter(([, value]) => value !== '');
    const stream = new EventSource(`api/invocations/live?${new URLSearchParams(given)}`);
    stream.addEventListener('invocations', ({data}) => {
      const {invocations, more} = JSON.parse(data);
      this.leftOut += more ?? 0;
      this.#take(invocations.filter((/** @type {Row} */ row) => status === '' || row.status === status || this.#isShown(row.id)));
    });
    // A stream that broke leaves a gap: begin anew, with a page.
    stream.addEventListener('error', () => this.#fail(new Failure('gone', 'The stream of invocations broke off.'), true));
    this.#stream = stream;
  }

  /** @param {unknown} error @param {boolean} isLive */
  #fail(error, isLive) {
    this.pause();
    this.failure = error instanceof Failure ? error : new Failure('refused', String(error));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.open(isLive), againMs);
    this.#plan();
  }

  /** @param {string} id */
  #isShown(id) {
    return this.#news.has(id) || this.rows.some(row => row.id === id);
  }

  /** @param {readonly Row[]} rows newest first, as answers have them, or in the order in which they happened */
  #take(rows) {
    const {path, id} = this.#filter;
    for (const row of rows) {
      if (id !== '' && !row.id.startsWith(id)) continue;
      if (path !== '' && !row.path?.includes(path)) continue;
      const known = this.#news.get(row.id);
      if (known?.status !== undefined && known.status !== 'running' && row.status === 'running') continue;
      this.#news.set(row.id, {...known, ...row});
    }
    this.#plan();
  }

  #plan() {
    if (this.#isDue || this.#leaving.signal.aborted) return;
    this.#isDue = true;
    const apply = () => {
      this.#isDue = false;
      if (this.#leaving.signal.aborted) return;
      this.rows = merged(this.rows, this.#news, this.#filter.status);
      this.#news = new Map();
      this.#tell();
    };
    // A hidden page has no frames.
    if (document.hidden) setTimeout(apply, 1000);
    else requestAnimationFrame(apply);
  }
}
