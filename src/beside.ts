import {enableCompileCache} from 'node:module';

enableCompileCache();
// By default SIGUSR1 opens Node's inspector on a port, and the function may send it. With a listener it does nothing.
process.on('SIGUSR1', () => {});
// Imported only now, so that the cache serves it.
const {takeEnvironment} = await import('./settings/environment.ts');
const {noteHowCalled} = await import('./called-as.ts');
const {serveBehind} = await import('./dev/several/behind.ts');
noteHowCalled(process.env);
await serveBehind(takeEnvironment(process.env));
