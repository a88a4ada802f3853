import {type Call, Refusal, type Reply, type Route} from '../../route.ts';
import type {ConsoleFile} from '../console/files.ts';
import {described} from './described.ts';

/** The console: a page and what it loads. Nothing of it is loaded, nor read from the disk, before somebody asks. */
export const consoleRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    described: described('page'),
    open: 'page',
    doc: 'The console, for a browser.',
    run: call => answer('index.html', call),
  },
  {
    method: 'GET',
    path: '/console/<file*>',
    described: described('file'),
    open: 'page',
    doc: 'What the console consists of.',
    run: call => answer(call.name, call),
  },
];

async function answer(name: string, call: Call): Promise<Reply> {
  const {consoleFile} = await import('../console/files.ts');
  const file = await consoleFile(name);
  if (!file) throw new Refusal('NOT_FOUND', 'the console has no such file');
  const headers = {
    // Asked again each time, so that a newer core shows its own console; the answer is mostly 304.
    'Cache-Control': 'no-cache',
    ETag: file.tag,
    Vary: 'Accept-Encoding',
    'Content-Security-Policy': policy(file),
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
  if (isKnown(call.get('if-none-match'), file.tag)) return {status: 304, type: file.type, headers, body: null};
  const coding = codings.find(each => file[each] && call.acceptsEncodings(each) === each);
  if (!coding) return {type: file.type, headers, body: file.bytes};
  return {type: file.type, headers: {...headers, 'Content-Encoding': coding}, body: file[coding] ?? file.bytes};
}

/** The shorter first. */
const codings = ['br', 'gzip'] as const;

/** RFC 9110 §13.1.2. */
const isKnown = (field: string, tag: string) => field === '*' || field.split(',').some(each => each.trim().replace(/^W\//, '') === tag);

/** The page loads nothing from anywhere else, and runs no script that it does not load: but for its map of imports, by its hash. */
function policy({scriptHash}: ConsoleFile): string {
  const script = scriptHash === undefined ? "'self'" : `'self' 'sha256-${scriptHash}'`;
  return [
    "default-src 'none'",
    `script-src ${script}`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
