import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import type {Bridge} from './bridge.ts';
import {checkOf, keywordsOf, type Python, startPython} from './python-suite.ts';

/** What a Python handler may do with processes, and what the bridge has to do with its children: nothing. */
export function pythonProcessesSuite(python: Python): void {
  const check = checkOf(python);
  const start = (t: ExecutionContext, text: string) => startPython(t, python, text);

  for (const keyword of keywordsOf(python)) {
    check(`a child that ${keyword} has started ends at its terminate(), and the bridge is unharmed`, async t => {
      const b = await start(
        t,
        `import multiprocessing, time
def wait():
    time.sleep(30)
${keyword} handle(event, context):
    child = multiprocessing.Process(target=wait)
    child.start()
    ${python.isThree ? '' : 'time.sleep(0.1)'}
    child.terminate()
    child.join(10)
    return child.exitcode
`,
      );
      for (let i = 0; i < 3; i++) t.is((await b.call({})).text, '-15');
      await isAtRest(t, b);
    });

    check(`a pool of processes in ${keyword} comes to its end, call after call`, async t => {
      const b = await start(
        t,
        `import multiprocessing
from contextlib import closing
def square(number):
    return number * number
${keyword} handle(event, context):
    pool = multiprocessing.Pool(2)
    try:
        return pool.map(square, [1, 2, 3])
    finally:
        pool.terminate()
        pool.join()
`,
      );
      for (let i = 0; i < 4; i++) t.is((await b.call({})).text, '[1,4,9]');
      await isAtRest(t, b);
    });

    for (const [kind, end, code] of ends) {
      check(`a forked child of ${keyword} that comes to ${kind} ends there: the parent answers, and nobody serves beside it`, async t => {
        const b = await start(
          t,
          `import atexit, os, sys
pid = os.getpid()
atexit.register(lambda: None if os.getpid() == pid else os.write(1, b"exit hook of the child\\n"))
${keyword} handle(event, context):
    child = os.fork()
    if child == 0:
        print("the child says so")
        ${end}
    status = os.waitpid(child, 0)[1]
    return {"statusCode": 201, "body": [os.getpid() == pid, os.WEXITSTATUS(status)]}
`,
        );
        for (let i = 0; i < 3; i++) {
          t.deepEqual(JSON.parse((await b.call({}, {invocationId: String(i)})).text), {statusCode: 201, body: [true, code]});
        }
        const hooks = () => b.output.stdout.match(/exit hook of the child/g)?.length ?? 0;
        const expected = kind === 'os._exit()' ? 0 : 3;
        await b.until(() => hooks() >= expected); // A reply may arrive before what was printed in its call.
        await isAtRest(t, b);
        t.is(hooks(), expected);
      });
    }

    check(`a forked child of ${keyword} has no descriptor of the bridge, and signals do what they do by default`, async t => {
      const b = await start(
        t,
        `import os, signal, time
${keyword} handle(event, context):
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, b"!")
        time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)
    return child
`,
      );
      const child = Number((await b.call({})).text);
      t.teardown(() => killIfAlive(child));
      const own = descriptorsOf(process.pid);
      const ours = descriptorsOf(Number(b.child.pid)).filter(([fd, name]) => fd > 2 && !own.some(([, each]) => each === name));
      const kinds = ours.filter(([, name]) => /socket|pipe|eventpoll/.test(name)).map(([, name]) => name);
      t.true(kinds.length >= 2); // what the bridge reports with and what it serves with
      t.deepEqual(
        descriptorsOf(child).filter(([fd, name]) => fd > 2 && kinds.includes(name)),
        [],
      );
      const [, caught = ''] = /SigCgt:\t(\w+)\n/.exec(readFileSync(`/proc/${child}/status`, 'utf8')) ?? [];
      t.is(BigInt(`0x${caught}`) & 0x7fff_fffdn, 0n); // SIGINT raises, as it does in every Python; above 31 are those of the threads' library
      process.kill(child, 'SIGTERM');
      await waitUntilGone(child);
    });
  }

  check('a fork in a thread of the function serves nobody either', async t => {
    const b = await start(
      t,
      `import os, threading
def work():
    child = os.fork()
    if child != 0:
        os.waitpid(child, 0)
def handle(event, context):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return "done"
`,
    );
    for (let i = 0; i < 3; i++) t.is((await b.call({})).text, '"done"');
    await isAtRest(t, b);
  });

  check('what a forked child prints is a plain line', async t => {
    const b = await start(
      t,
      `import os, sys
def handle(event, context):
    sys.stdout.write("half of ")
    child = os.fork()
    if child == 0:
        print("from the child")
        sys.exit(0)
    os.waitpid(child, 0)
    print("the parent's line")
`,
    );
    await b.call({}, {invocationId: 'i'});
    await b.until(() => b.logs.length === 1 && b.output.stdout !== '');
    t.like(b.logs[0], {invocationId: 'i', line: "half of the parent's line"});
    t.is(b.output.stdout, 'from the child\n');
  });

  check('a program that is started has no descriptor of the bridge', async t => {
    const b = await start(
      t,
      `import subprocess
def handle(event, context):
    names = subprocess.check_output("for i in $(ls /proc/self/fd); do test $i -le 2 || readlink /proc/self/fd/$i; done; exit 0", shell=True, close_fds=False)
    return names.decode()
`,
    );
    t.notRegex(JSON.parse((await b.call({})).text), /socket|eventpoll/);
  });

  if (python.isThree) {
    for (const method of ['spawn', 'forkserver']) {
      for (const keyword of keywordsOf(python)) {
        check(`${method} in ${keyword} starts the function's code alone`, async t => {
          const b = await start(
            t,
            `import multiprocessing, os, time
def tell(queue):
    queue.put("told")
    time.sleep(30)
${keyword} handle(event, context):
    started = multiprocessing.get_context("${method}")
    queue = started.Queue()
    child = started.Process(target=tell, args=(queue,))
    child.start()
    told = queue.get(timeout=15)
    child.terminate()
    child.join(10)
    return [told, child.exitcode in (-15, 255)]  # the fork server of 3.6 cannot tell a signal
`,
          );
          for (let i = 0; i < 2; i++) t.is((await b.call({})).text, '["told",true]');
          await isAtRest(t, b);
        });
      }
    }
  }
}

const ends: [kind: string, statement: string, code: number][] = [
  ['sys.exit(0)', 'sys.exit(0)', 0],
  ['sys.exit(3)', 'sys.exit(3)', 3],
  ['os._exit()', 'os._exit(4)', 4],
  ['an error', 'raise ValueError("in the child")', 1],
  ['its return', 'return "from the child"', 0],
];

/** It serves, it uses no processor while nobody calls, and it stops when it is told to. */
async function isAtRest(t: ExecutionContext, b: Bridge): Promise<void> {
  const used = () => {
    const fields = readFileSync(`/proc/${b.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]); // ticks of 10 ms, in the program and in the kernel
  };
  const before = used();
  await new Promise(resolve => setTimeout(resolve, 300));
  t.true(used() - before <= 5, `${used() - before} ticks of 30 were used`);
  t.is(b.child.exitCode, null);
  b.letGo();
  b.child.kill('SIGTERM');
  t.is(await b.exited, 0);
}

function descriptorsOf(pid: number): [fd: number, name: string][] {
  return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return [[Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)]];
    } catch {
      return []; // the one that the folder was read with
    }
  });
}

async function waitUntilGone(pid: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const state = /State:\t(\w)/.exec(statusOf(pid))?.[1];
    if (state === undefined || state === 'Z') return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error(`Process ${pid} lives on`);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}
