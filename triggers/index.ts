import {cron} from './cron.ts';
import {http} from './http.ts';

/** Every trigger, by its name, in the order of opening. A new one is a file and a line here. */
export const triggers = {
  http,
  cron,
};
