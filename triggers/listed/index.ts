import {readBy, type Settings, setting} from '../../src/settings/setting.ts';
import type {OpenTrigger, TriggerPlugin} from '../../src/trigger.ts';
import {readEntries} from './entries.ts';

const settings = {
  entries: setting(
    'CORE_TRIGGERS',
    readBy(readEntries),
    '[]',
    'More triggers, from packages: a JSON list of objects with `type`, the name of the package, or the path of a file with one.',
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
} satisfies TriggerPlugin<typeof settings>;

const none: OpenTrigger = {async [Symbol.asyncDispose]() {}};
