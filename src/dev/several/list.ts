import {table} from '../../command/columns.ts';

/** A function as the list shows it. */
export interface Listed {
  readonly name: string;
  /** Where it answers: `http://localhost:8080/<name>`. */
  readonly url: string;
  readonly state: 'starting' | 'serving' | 'failed' | 'absent' | 'ended';
  /** What runs it, such as `Node.js 26.1.0`. */
  readonly runtime?: string | undefined;
  /** The address of its console. */
  readonly console: string;
  /** Its private listener while it serves, for commands: its port is their CORE_ADMIN_PORT. */
  readonly privateListener?: string | undefined;
  /** Why it does not serve. */
  readonly problem?: string | undefined;
}

export interface Page {
  readonly type: string;
  readonly body: string;
}

/** The functions, as HTML for browsers, JSON for programs that ask for it, and text for everybody else. */
export function listPage(functions: readonly Listed[], accept: string): Page {
  if (/text\/html|application\/xhtml\+xml/i.test(accept)) return {type: 'text/html; charset=utf-8', body: html(functions)};
  if (/application\/json/i.test(accept)) return {type: 'application/json', body: `${JSON.stringify({functions})}\n`};
  return {type: 'text/plain; charset=utf-8', body: plain(functions)};
}

/** One line for each function. */
function plain(functions: readonly Listed[]): string {
  return table(functions.map(each => [each.name, each.url, stateOf(each).replaceAll('\n', ' ')]))
    .map(line => `${line}\n`)
    .join('');
}

/** What stands beside the address: what runs the function, or why nothing does. */
export const stateOf = ({state, runtime, problem}: Listed): string =>
  state === 'serving' ? (runtime ?? 'serving') : [words[state], problem].filter(Boolean).join(': ');

const words = {
  starting: 'is starting',
  serving: 'is serving',
  failed: 'could not be loaded',
  absent: 'was not found',
  ended: 'has ended',
} as const;

/** Fields that keep the page from loading or running anything. */
export const pageFields = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
} as const;

function html(functions: readonly Listed[]): string {
  const rows = functions.map(each => {
    const link = `<a href="${shown(each.console)}">console</a>`;
    return `<tr><td><a href="${shown(each.url)}/">${shown(each.name)}</a></td><td>${shown(stateOf(each))}</td><td>${link}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Functions</title>
<style>body{font:16px system-ui;margin:2rem}td,th{padding:.3rem 1.5rem .3rem 0;text-align:left;vertical-align:top}</style>
<h1>Functions</h1>
<table>
<tr><th scope="col">Function</th><th scope="col">State</th><th scope="col">Console</th></tr>
${rows.join('\n')}
</table>
</html>
`;
}

const shown = (text: string) => text.replaceAll(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
