#!/usr/bin/env node
import {enableCompileCache} from 'node:module';

enableCompileCache();
// Imported only now, so that the cache serves them.
const {run} = await import('./run.ts');
await run(process.env);
