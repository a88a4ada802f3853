#!/usr/bin/env node
import {enableCompileCache} from 'node:module';

enableCompileCache();
// Node would open its inspector's port on it, and the function may send it. Listened to, it does nothing.
process.on('SIGUSR1', () => {});
// Asks for a reload, once somebody heeds it; until then it must not end us, as it would by itself.
process.on('SIGHUP', () => {});
// Imported only now, so that the cache serves them.
const {takeEnvironment} = await import('./settings/environment.ts');
const {run} = await import('./serve/run.ts');
await run(takeEnvironment(process.env));
