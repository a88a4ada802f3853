import {http} from './http.ts';

/** Every trigger, by its name. A new one is a file and a line here. */
export const triggers = {http};
