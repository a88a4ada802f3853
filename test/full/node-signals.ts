import type {Bridge} from '../helpers/bridge.ts';
import {eachHop} from '../helpers/node-bridge.ts';

// Hooks of the function on SIGTERM, and on what goes wrong outside of calls: both run, the function's and the bridge's.

/** A call that runs until the function is told to end it, and one that adds a hook. */
const slow = `let end;
const wait = () => new Promise(resolve => { end = () => resolve('done'); console.log('running'); });`;

/** Sends SIGTERM during a call, as the core does it. @returns its reply and the exit code */
async function stopDuringCall(b: Bridge): Promise<[reply: string, code: number | null]> {
  const reply = b.call('wait', {invocationId: 'i'});
  await b.until(() => b.logs.some(({line}) => line === 'running'));
  b.letGo();
  b.child.kill('SIGTERM');
  return [(await reply).text, await b.exited];
}

const hooks: Record<string, string> = {
  'beside others': "process.on('SIGTERM', hook);",
  once: "process.once('SIGTERM', hook);",
  'before others': "process.prependListener('SIGTERM', hook);",
  'in place of all others': "process.removeAllListeners('SIGTERM'); process.on('SIGTERM', hook);",
};

eachHop(({check, startText}) => {
  for (const [kind, text] of Object.entries(hooks)) {
    check(`a hook on SIGTERM runs and the call in flight finishes: ${kind}, at module level`, async t => {
      const b = await startText(
        t,
        `${slow}
      const hook = () => { process.stdout.write('hook\\n'); end(); };
      ${text}
      exports.handle = wait;`,
      );
      t.deepEqual(await stopDuringCall(b), ['"done"', 0]);
      t.is(b.output.stdout, 'hook\n');
    });

    check(`a hook on SIGTERM runs and the call in flight finishes: ${kind}, in a call`, async t => {
      const b = await startText(
        t,
        `${slow}
      const hook = () => { process.stdout.write('hook\\n'); end(); };
      exports.handle = async event => {
        if (event === 'wait') return wait();
        ${text}
      };`,
      );
      t.is((await b.call('hook')).status, 200);
      t.deepEqual(await stopDuringCall(b), ['"done"', 0]);
      t.regex(b.output.stdout + JSON.stringify(b.logs), /hook/);
    });
  }

  check('the bridge stops although a call removed every listener of SIGTERM', async t => {
    const b = await startText(
      t,
      `${slow}
    exports.handle = async event => {
      if (event !== 'wait') return process.removeAllListeners('SIGTERM') && 'removed';
      setTimeout(() => end(), 50);
      return wait();
    };`,
    );
    t.is((await b.call('remove')).text, '"removed"');
    t.deepEqual(await stopDuringCall(b), ['"done"', 0]);
  });

  check('a hook on SIGTERM that throws is logged, and the call in flight finishes', async t => {
    for (const add of ['on', 'prependListener']) {
      const b = await startText(
        t,
        `${slow}
      process.${add}('SIGTERM', () => { end(); throw new Error('hook failed'); });
      exports.handle = wait;`,
      );
      t.deepEqual(await stopDuringCall(b), ['"done"', 0]);
      t.true(b.logs.some(({line}) => line.includes('uncaught exception') && line.includes('hook failed')));
    }
  });

  check('a hook on SIGTERM that exits ends the process with its exit code', async t => {
    const b = await startText(t, "process.on('SIGTERM', () => process.exit(7)); exports.handle = () => 'x';");
    t.is((await b.call({})).text, '"x"');
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 7);
  });

  check('an async hook on SIGTERM finishes before the process ends', async t => {
    for (const add of ['on', 'once']) {
      const b = await startText(
        t,
        `process.${add}('SIGTERM', async () => {
          await new Promise(resolve => setTimeout(resolve, 300));
          process.stdout.write('closed\\n');
        });
        exports.handle = () => 'x';`,
      );
      b.letGo();
      b.child.kill('SIGTERM');
      t.is(await b.exited, 0);
      t.is(b.output.stdout, 'closed\n');
    }
  });

  check('a function with a hook on SIGTERM and work that never ends stops all the same', async t => {
    const b = await startText(t, "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); exports.handle = () => 'x';");
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 0);
  });

  check('a SIGTERM while the module is loaded ends the process, its hook first', async t => {
    const b = startText(
      t,
      `process.on('SIGTERM', () => process.stdout.write('hook\\n'));
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50);
    await new Promise(resolve => setInterval(() => {}, 1000));
    export const handle = () => {};`,
      {file: 'handler.mjs'},
    );
    await t.throwsAsync(b, {message: /ended early/});
  });

  check('stray errors are logged and the process stays, also when the function removed or added listeners', async t => {
    const b = await startText(
      t,
      `for (const name of ['uncaughtException', 'unhandledRejection']) process.removeAllListeners(name);
    process.on('unhandledRejection', reason => { throw reason; });
    exports.handle = event => {
      if (event === 'throw') setTimeout(() => { throw new Error('late throw'); }, 5);
      if (event === 'reject') Promise.reject(new Error('stray rejection'));
      return 'x';
    };`,
    );
    for (const [event, said] of [
      ['throw', 'late throw'],
      ['reject', 'stray rejection'],
    ] as const) {
      t.is((await b.call(event)).text, '"x"');
      await b.until(() => b.logs.some(({line}) => line.includes(said)));
    }
    t.is((await b.call('')).text, '"x"');
  });
});
