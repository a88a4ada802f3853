import {enableCompileCache} from 'node:module';

enableCompileCache();
// Imported only now, so that the cache serves it.
const {follow} = await import('./siblings/follow.ts');
await follow(process.env);
