import {enableCompileCache} from 'node:module';
import {prepareEngine} from './journals/index.ts';
import {startSmall} from './limits/small-start.ts';

startSmall(process.env);
enableCompileCache();
// By default SIGUSR1 opens Node's inspector on a port, and the function may send it. With a listener it does nothing.
process.on('SIGUSR1', () => {});
// SIGHUP asks for a reload once the core listens to it. Until then it must not end the process, as it does by default.
process.on('SIGHUP', () => {});
await prepareEngine(process.env.CORE_JOURNAL);
// Imported only now, so that the compile cache serves them.
const {takeEnvironment} = await import('./settings/environment.ts');
const {run} = await import('./serve/run.ts');
await run(takeEnvironment(process.env));
