import test, {type ExecutionContext} from 'ava';
import {ConfigurationError} from '../../src/errors.ts';
import {reportRefusal} from '../../src/serve/refused.ts';

/** What is reported on stderr, each argument of it. */
function reported(t: ExecutionContext, error: unknown): {code: number; printed: unknown[]} {
  const printed: unknown[] = [];
  const write = console.error;
  t.teardown(() => {
    console.error = write;
  });
  console.error = (...given) => void printed.push(...given);
  return {code: reportRefusal(error, {PORT: '8000'}), printed};
}

const inUse = (port: number) => Object.assign(new Error('listen EADDRINUSE'), {code: 'EADDRINUSE', syscall: 'listen', port});

test.serial('a bug keeps its stack', t => {
  const bug = new TypeError('a bug');
  t.deepEqual(reported(t, bug), {code: 1, printed: [bug]});
});

for (const [title, error, code, lines] of [
  ['bad settings are sentences', new ConfigurationError(['PORT: a', 'CORE_QUEUE: b']), 78, ['PORT: a', 'CORE_QUEUE: b']],
  ['a taken port is named by its setting', inUse(8000), 71, ['PORT: expected a free port, but something listens on 8000']],
  ['so is that of the private listener', inUse(8090), 71, ['CORE_ADMIN_PORT: expected a free port, but something listens on 8090']],
  [
    'what the system refuses is a sentence',
    Object.assign(new Error('listen EACCES: permission denied'), {code: 'EACCES', syscall: 'listen'}),
    1,
    ['listen EACCES: permission denied'],
  ],
] as const) {
  test.serial(title, t => t.deepEqual(reported(t, error), {code, printed: lines.map(line => `core-runtime: ${line}`)}));
}
