import {columns, table} from '../../command/columns.ts';
import {printable} from '../../printable.ts';
import type {Ink} from './ink.ts';

/** A function that is served, as it is shown. */
export interface Shown {
  /** Set where several functions are served. */
  readonly name?: string | undefined;
  /** Its file and what is called in it: `/srv/handler.js (handle)`. */
  readonly handler: string;
  /** `Node.js 26.1.0` */
  readonly runtime: string;
  readonly url: string;
  /** Of the private listener. */
  readonly adminUrl: string;
  /** Of the console that several functions share; by default it is at the private listener. */
  readonly consoleUrl?: string | undefined;
  readonly isPublic: boolean;
  /** Why it could not be loaded. */
  readonly error?: string | undefined;
}

/** The lines that a developer reads first: of one function all of it, of several a line each. */
export function banner(functions: readonly Shown[], ink: Ink): string[] {
  const [only] = functions;
  const lines = functions.length === 1 && only ? details(only, ink) : list(functions, ink);
  return ['', ...lines.map(line => line && `  ${line}`), ''];
}

/** A function that could not be loaded has nothing to try. */
function details({handler, runtime, url, adminUrl, consoleUrl = adminUrl, isPublic, error}: Shown, ink: Ink): string[] {
  const row = columns(8);
  const rows = [
    ['function', handler],
    ['runs on', runtime],
    ['url', isPublic ? url : `${url} (private: callers need a token)`],
    ['console', `${consoleUrl}/`],
    ['metrics', `${consoleUrl}/metrics`],
  ].map(cells => printable(row(...cells)));
  if (error !== undefined) return [...rows, row('state', ink('red', notLoaded))];
  return [...rows, printable(row('try', `curl${isPublic ? '' : ' -H "X-Auth-Token: $TOKEN"'} '${url}/?name=you'`))];
}

function list(functions: readonly Shown[], ink: Ink): string[] {
  const head = ['function', 'url', 'runs on'];
  const cells = functions.map(({name = '', url, isPublic, runtime}) => [name, isPublic ? url : `${url} (private)`, runtime]);
  const [first = '', ...rest] = table([head, ...cells]).map(printable);
  const lines = rest.map((line, at) => (functions[at]?.error === undefined ? line : ink('red', `${line}  ${notLoaded}`)));
  const shared = functions[0]?.consoleUrl;
  return [ink('dim', first), ...lines, ...(shared === undefined ? [] : ['', printable(`console  ${shared}/`)])];
}

const notLoaded = 'the function could not be loaded: requests fail until it is mended';
