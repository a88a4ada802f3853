import {exit} from '../../exit.ts';
import {printable} from '../../printable.ts';
import type {DevServer, ReloadOutcome, Reporter} from '../reporter.ts';
import type {Shown} from './banner.ts';
import {durationText} from './call-line.ts';
import type {Terminal, View} from './open.ts';

/** Shows the only function that is served. */
export function terminalReporter(terminal: Terminal, folder: string, openInBrowser: (url: string) => void): Reporter {
  const view = terminal.view({folder});
  return {
    feed: view.feed,
    noted: view.noted,
    reloaded: outcome => showReload(view, outcome),
    serving(server) {
      const {reload, stop, served} = server;
      const abandon = () => {
        served.abandon();
        process.exit(exit.failed);
      };
      terminal.serving(() => [shownOf(server)], {reload, stop, abandon, openInBrowser});
    },
  };
}

/** A function as the banner shows it. */
export function shownOf({served: {spec, url, adminUrl, isPublic}, runtime, error}: DevServer): Shown {
  return {handler: `${spec.handlerPath} (${spec.handlerName})`, runtime, url, adminUrl, isPublic, error};
}

/** What became of a reload, in a line. */
export function showReload(view: View, outcome: ReloadOutcome): void {
  const {changed, tookMs} = outcome;
  const files = changed.length === 0 ? '' : `: ${changed.slice(0, 3).map(printable).join(', ')}${changed.length > 3 ? ' …' : ''}`;
  if (outcome.kind === 'reloaded') view.reloaded(`Reloaded in ${durationText(tookMs)}${files}`);
  else if (outcome.kind === 'failed') view.reloaded(`Not reloaded, the old code goes on serving${files}`, outcome.error);
  else view.reloaded(`${outcome.file} does not exist any more: the old code goes on serving`);
}
