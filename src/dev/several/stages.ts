import {complain} from '../../command/terminal.ts';
import type {Environment} from '../../settings/setting.ts';
import {openInBrowser} from '../browser.ts';
import {jsonReporter} from '../json-reporter.ts';
import {terminalHere} from '../terminal/here.ts';
import {showReload} from '../terminal/reporter.ts';
import type {Stage} from './stage.ts';

/** For a person: what each function does, in lines that begin with its name. */
export function linesStage(env: Environment): Stage {
  const terminal = terminalHere(env);
  const own = terminal.view({folder: process.cwd()});
  return {
    noted: own.noted,
    tellerOf({name, folder}) {
      const view = terminal.view({name, folder});
      return {feed: view.feed, logged() {}, noted: view.noted, reloaded: outcome => showReload(view, outcome), ended: view.ended};
    },
    serving({url, consoleUrl}, functions, controls) {
      terminal.serving(() => functions().map(({name, url, up}) => ({...up, name, url, consoleUrl})), {...controls, openInBrowser});
      own.noted(`Serving on ${url}, which lists the functions`);
      if (functions().length === 0) own.noted(`None has started yet; the console of all is on ${consoleUrl}/`);
    },
  };
}

/** For programs: stdout has the logs of the cores as JSON, each record with the name of its function. What else there is to know goes to stderr. */
export const jsonStage: Stage = {
  noted: complain,
  tellerOf: ({name}) => ({
    reloaded: jsonReporter.reloaded,
    logged: record => console.log(record.startsWith('{"') ? `{"function":${JSON.stringify(name)},${record.slice(1)}` : record),
    noted: line => complain(`${name}: ${line}`),
    ended() {},
  }),
  serving() {},
};
