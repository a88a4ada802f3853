import {enableCompileCache} from 'node:module';

enableCompileCache();
// Imported only now, so that the cache serves it.
const {takeEnvironment} = await import('./settings/environment.ts');
const {follow} = await import('./serve/siblings/follow.ts');
const {CORE_RUNTIME_LEADER: _, ...env} = takeEnvironment(process.env);
await follow(env);
