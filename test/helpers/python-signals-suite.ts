import type {ExecutionContext} from 'ava';
import {checkOf, keywordsOf, type Python, startPython} from './python-suite.ts';

/** Signal handlers of a Python function: they stay the function's, and cannot take the bridge down. */
export function pythonSignalsSuite(python: Python): void {
  const check = checkOf(python);
  const start = (t: ExecutionContext, text: string) => startPython(t, python, text);
  // In 2.7 handlers do not run in the main thread, where Python lets signal handlers be set.
  const inCalls = python.isThree ? keywordsOf(python) : [];

  for (const keyword of inCalls) {
    check(`a signal handler of ${keyword} that raises after its call is logged and counted, and the bridge lives`, async t => {
      const b = await start(
        t,
        `import signal
def ring(number, frame):
    raise ValueError("too late")
${keyword} handle(event, context):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return signal.getsignal(signal.SIGALRM) is ring
`,
      );
      for (let i = 1; i <= 2; i++) {
        t.is((await b.call({}, {invocationId: 'i'})).text, 'true');
        await b.until(() => b.logs.length === i);
        const [log] = b.logs.slice(-1);
        t.like(log, {
          level: 'error',
          line: `core-bridge: a signal handler failed outside of a call (stray error ${i}): ValueError: too late`,
        });
        t.is(log?.invocationId, undefined);
      }
    });

    check(`what a signal handler raises during a call of ${keyword} is the function's to catch`, async t => {
      const b = await start(
        t,
        `import signal, time
class Rung(Exception):
    pass
def ring(number, frame):
    raise Rung("it rang")
signal.signal(signal.SIGALRM, ring)
${keyword} handle(event, context):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        time.sleep(10)
    except Rung as error:
        if event == "catch":
            return str(error)
        raise
`,
      );
      t.is((await b.call('catch')).text, '"it rang"');
      t.like(await b.call('throw'), {status: 500, text: 'it rang'});
      t.is((await b.call('catch')).text, '"it rang"');
    });

    check(`a hook that ${keyword} sets for SIGTERM in a call runs, and then the bridge stops`, async t => {
      const b = await start(
        t,
        `import os, signal
def leave(number, frame):
    print("the function leaves")
${keyword} handle(event, context):
    before = signal.signal(signal.SIGTERM, leave)
    return [before == signal.SIG_DFL, signal.getsignal(signal.SIGTERM) is leave]
`,
      );
      t.is((await b.call({})).text, '[true,true]');
      b.letGo();
      b.child.kill('SIGTERM');
      t.is(await b.exited, 0);
      t.is(b.output.stdout, 'the function leaves\n');
    });

    check(`a hook of ${keyword} that exits at SIGTERM ends no call in flight`, async t => {
      const b = await start(
        t,
        `import atexit, signal, sys, time
atexit.register(lambda: print("exit hook"))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
${keyword} handle(event, context):
    print("running")
    for _ in range(20):
        time.sleep(0.02)
    return "done"
`,
      );
      const reply = b.call({}, {invocationId: 'i'});
      await b.until(() => b.logs.length === 1);
      b.letGo();
      b.child.kill('SIGTERM');
      t.is((await reply).text, '"done"');
      t.is(await b.exited, 0);
      t.is(b.output.stdout, 'exit hook\n');
      t.is(b.output.stderr, '');
    });
  }

  for (const keyword of keywordsOf(python)) {
    const atModule: [kind: string, statement: string, said: string][] = [
      ['prints', 'signal.signal(signal.SIGTERM, lambda *_: print("theirs"))', 'theirs\nexit hook\n'],
      ['raises', 'signal.signal(signal.SIGTERM, lambda *_: 1 / 0)', 'exit hook\n'],
      ['exits', 'signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))', 'exit hook\n'],
      ['ignores it', 'signal.signal(signal.SIGTERM, signal.SIG_IGN)', 'exit hook\n'],
      ['takes it back', 'signal.signal(signal.SIGTERM, signal.SIG_DFL)', 'exit hook\n'],
    ];
    for (const [kind, statement, said] of atModule) {
      check(`a module of ${keyword} with a hook for SIGTERM that ${kind}: theirs first, then the bridge stops`, async t => {
        const b = await start(
          t,
          `from __future__ import print_function
import atexit, signal, sys
atexit.register(lambda: print("exit hook"))
${statement}
${keyword} handle(event, context):
    return "served"
`,
        );
        t.is((await b.call({})).text, '"served"');
        b.letGo();
        b.child.kill('SIGTERM');
        t.is(await b.exited, 0);
        t.is(b.output.stdout, said);
      });
    }
  }

  for (const keyword of keywordsOf(python)) {
    // As when it comes while the main thread is about to wait: nothing that it waits for is interrupted.
    check(`a SIGTERM that another thread than the main one gets stops a bridge with ${keyword} that is idle`, async t => {
      const b = await start(
        t,
        `import ctypes, signal, struct, threading, time
thread = threading.Thread(target=lambda: time.sleep(60))
thread.daemon = True
thread.start()
mask = ctypes.create_string_buffer(struct.pack("=Q", 1 << (signal.SIGTERM - 1)) + bytes(bytearray(120)))
assert ctypes.CDLL(None).pthread_sigmask(0, mask, None) == 0
${keyword} handle(event, context):
    return "served"
`,
      );
      t.is((await b.call({})).text, '"served"');
      b.letGo();
      b.child.kill('SIGTERM');
      t.is(await b.exited, 0);
    });
  }

  check('a signal that the function handles disturbs no call', async t => {
    const b = await start(
      t,
      `import os, signal
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
def handle(event, context):
    if event == "count":
        return len(seen) > 0
    return event
`,
    );
    for (let i = 0; i < 50; i++) {
      b.child.kill('SIGUSR1');
      t.is((await b.call('x'.repeat(100_000))).text.length, 100_002);
    }
    t.is((await b.call('count')).text, 'true');
  });

  if (!python.isThree) return;

  check('a handler that the function adds to its loop runs, and then the bridge stops', async t => {
    const b = await start(
      t,
      `import asyncio, signal
async def handle(event, context):
    loop = asyncio.get_event_loop()
    loop.add_signal_handler(signal.SIGTERM, print, "theirs")
    loop.add_signal_handler(signal.SIGUSR1, print, "usr1")
    return "added"
`,
    );
    t.is((await b.call({})).text, '"added"');
    b.child.kill('SIGUSR1');
    await b.until(() => b.output.stdout + b.logs.map(log => log.line).join() !== '');
    b.letGo();
    b.child.kill('SIGTERM');
    t.is(await b.exited, 0);
    t.true([b.output.stdout, ...b.logs.map(log => log.line)].join('').includes('theirs'));
  });

  check('a forked child keeps the handlers of the function', async t => {
    const b = await start(
      t,
      `import os, signal, time
def leave(number, frame):
    os._exit(9)
signal.signal(signal.SIGTERM, leave)
def handle(event, context):
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(told, b"x") # Python forgets a signal that comes while it forks
        time.sleep(30)
        os._exit(0)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    return os.WEXITSTATUS(os.waitpid(child, 0)[1])
`,
    );
    for (let i = 0; i < 3; i++) t.is((await b.call({})).text, '9');
  });
}
