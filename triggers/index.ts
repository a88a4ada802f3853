import {cron} from './cron/index.ts';
import {http} from './http/index.ts';
import {listed} from './listed/index.ts';
import {work} from './work/index.ts';

/** Every trigger, by its name, in the order of opening. A new one is a file and a line here. */
export const triggers = {
  http,
  cron,
  listed,
  work,
};
