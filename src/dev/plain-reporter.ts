import {columns} from '../command/columns.ts';
import {printable, printableLines} from '../printable.ts';
import type {DevServer, Reporter} from './reporter.ts';

/** Prints for people, line by line. What a reload did stands in the log. */
export const plainReporter: Reporter = {
  serving(server) {
    console.log(banner(server));
    if (server.error !== undefined) console.error(`The function did not start: ${printableLines(server.error)}`);
  },
  reloaded(outcome) {
    if (outcome.kind === 'missing') console.error(printable(`${outcome.file} does not exist any more: the old code goes on serving`));
  },
  noted(line) {
    console.log(printable(line));
  },
};

/** The lines that a developer reads first. */
function banner({served: {spec, url, adminUrl, isPublic}, runtime, error}: DevServer): string {
  const rows = [
    ['function', `${spec.handlerPath} (${spec.handlerName})`],
    ['runs on', runtime],
    ['url', isPublic ? url : `${url} (private: callers need a token)`],
    ['admin', `${adminUrl}/readyz`],
    ['metrics', `${adminUrl}/metrics`],
    ...(error === undefined ? [['try', `curl${isPublic ? '' : ' -H "X-Auth-Token: $TOKEN"'} '${url}/?name=you'`]] : []),
  ];
  const row = columns(8);
  return ['', ...rows.map(cells => `  ${row(...cells)}`), ''].join('\n');
}
