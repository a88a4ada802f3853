import {createRequire} from 'node:module';

/**
Loads a package when it is first needed. The function's process starts before what is loaded so: both take a while, and
each has a core of its own.

    const Koa = late('koa') as typeof import('koa');
*/
export const late = createRequire(import.meta.url);
