import type {Route} from '../../route.ts';
import {groups} from '../../settings/groups.ts';
import {reportSetting, type Sources} from '../../settings/report.ts';
import type {Environment, Settings} from '../../settings/setting.ts';
import {described} from './described.ts';

export interface SettingsHouse {
  /** The settings of the core and of every trigger. */
  readonly table: Settings;
  readonly env: Environment;
  readonly sources?: Sources | undefined;
  /** What is doubtful about them. */
  readonly warnings: readonly string[];
}

/** `GET /api/settings`: what the environment means, as `config` prints it. */
export function settingsRoute({settings}: {readonly settings: SettingsHouse}): Route {
  return {
    method: 'GET',
    path: '/api/settings',
    described: described('settings'),
    doc: 'Every setting, its value and where it came from; secrets are hidden.',
    run() {
      const {table, env, sources, warnings} = settings;
      const reports = Object.values(table).map(entry => {
        return {...reportSetting(entry, env, sources), group: entry.group, title: groups[entry.group].title};
      });
      return {body: {settings: reports, warnings}};
    },
  };
}
