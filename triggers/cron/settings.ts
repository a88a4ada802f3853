import {readBy, type Settings, setting} from '../../src/settings/setting.ts';
import {readSchedules} from './schedule.ts';

export const settings = {
  schedules: setting(
    'CORE_SCHEDULES',
    readBy(readSchedules),
    '[]',
    'When to call the function: a JSON list, or the path of a file with one.',
    {isDocument: true},
  ),
} satisfies Settings;
