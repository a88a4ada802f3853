import {readBy, type Settings, setting} from '../../src/settings/setting.ts';
import type {ClaimingHouse, TriggerPlugin} from '../../src/trigger.ts';
import {readEntries} from './entries.ts';
import type {OpenList} from './open.ts';
import {messageRoutes} from './routes.ts';

const settings = {
  entries: setting(
    'CORE_TRIGGERS',
    readBy(readEntries),
    '[]',
    'More triggers: a list, in JSON or YAML, of objects with `type` (redis … or a package) and `name`, or the path of a file with one.',
    {isDocument: true},
  ),
} satisfies Settings;

/** Triggers of packages that are not part of the core. */
export const listed = {
  settings,

  needsJournal: ({entries}) => entries.length > 0,

  async open({entries}, house) {
    if (entries.length === 0) return none;
    const {openEntries} = await import('./open.ts');
    return openEntries(entries, house);
  },

  routes: messageRoutes,
} satisfies TriggerPlugin<typeof settings, ClaimingHouse, OpenList>;

const none: OpenList = {messages: () => [], async [Symbol.asyncDispose]() {}};
