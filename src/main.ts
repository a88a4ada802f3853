#!/usr/bin/env node
import {enableCompileCache} from 'node:module';

enableCompileCache();
// Asks for a reload, once somebody heeds it; until then it must not end us, as it would by itself.
process.on('SIGHUP', () => {});
// Imported only now, so that the cache serves them.
const {run} = await import('./run.ts');
await run(process.env);
