import {createRequire} from 'node:module';

/**
Loads a package when it is first needed. So the function's process can start first: both take a while, and they run at the
same time.

    const Koa = late('koa') as typeof import('koa');
*/
export const late = createRequire(import.meta.url);
