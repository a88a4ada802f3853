import path from 'node:path';
import type {ExecutionContext} from 'ava';
import {functionFile} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';

eachHop(cases);

function cases({check, startText}: Php): void {
  // Children

  const children: Record<string, [inChild: string, exitCode: number]> = {
    'calls exit()': ['exit(3);', 3],
    returns: ['return "child";', 0],
    throws: ['throw new LogicException("in the child");', 255],
    'has a fatal error': ['class A implements Countable {}', 255],
    'prints and returns': ['echo "from the child\\n"; return "child";', 0],
    'runs another program': ['pcntl_exec("/bin/true");', 0],
  };

  for (const ffi of [true, false]) {
    const options = async (t: ExecutionContext) =>
      ffi ? {} : {env: {PHPRC: path.dirname(await functionFile(t, 'php.ini', 'ffi.enable = 0\n'))}};

    for (const [what, [statement, exitCode]] of Object.entries(children)) {
      check(`a child that a handler forks ${ffi ? '' : 'without FFI '}and that ${what} answers nobody and serves nobody`, async t => {
        const b = await startText(
          t,
          `function handle() {
            echo "half a line";
            $child = pcntl_fork();
            if ($child === 0) { ${statement} }
            pcntl_waitpid($child, $status);
            return ['statusCode' => 201, 'body' => pcntl_wexitstatus($status)];
          }`,
          await options(t),
        );
        for (let i = 0; i < 3; i++) t.is((await b.call({}, {invocationId: 'i'})).text, `{"statusCode":201,"body":${exitCode}}`);
        await b.until(() => b.logs.length >= 3);
        t.deepEqual(
          b.logs.map(log => log.line),
          Array.from({length: 3}, () => 'half a line'),
        );
        b.letGo();
        b.child.kill('SIGTERM');
        t.is(await b.exited, 0);
        if (what.startsWith('prints')) t.is(b.output.stdout, 'from the child\n'.repeat(3));
        if (what === 'throws') t.regex(b.output.stderr, /LogicException: in the child/);
      });
    }

    check(`SIGTERM ends a child that a handler forked${ffi ? '' : ' without FFI'}, and the bridge lives`, async t => {
      const b = await startText(
        t,
        `function handle() {
          $child = pcntl_fork();
          if ($child === 0) { sleep(30); return; }
          usleep(50000);
          posix_kill($child, SIGTERM);
          pcntl_waitpid($child, $status);
          return pcntl_wifsignaled($status) ? pcntl_wtermsig($status) : 'exited';
        }`,
        await options(t),
      );
      for (let i = 0; i < 2; i++) t.is((await b.call({})).text, '15');
    });
  }

  check('a handler may wait for all of its children', async t => {
    const b = await startText(
      t,
      `function handle() {
        for ($i = 1; $i <= 2; $i++) if (pcntl_fork() === 0) exit($i);
        for ($codes = []; pcntl_wait($status) > 0; $codes[] = pcntl_wexitstatus($status));
        return array_sum($codes);
      }`,
    );
    for (let i = 0; i < 2; i++) t.is((await b.call({})).text, '3');
  });

  check('with FFI a forked child has default signals and no descriptor of the bridge from its first moment', async t => {
    const b = await startText(
      t,
      `function handle() {
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $child = pcntl_fork();
        if ($child === 0) {
          fwrite($theirs, json_encode(array_values(array_filter(array_map(fn($fd) => @readlink("/proc/self/fd/$fd"), scandir('/proc/self/fd'))))) . "\\n");
          fgets($theirs); // is never interrupted
        }
        $open = json_decode(fgets($ours));
        posix_kill($child, SIGTERM);
        pcntl_waitpid($child, $status);
        return [pcntl_wtermsig($status), in_array(readlink('/proc/self/fd/3'), $open)];
      }`,
    );
    t.is((await b.call({})).text, '[15,false]');
  });

  check('with FFI a program that the function starts gets no descriptor of the bridge', async t => {
    const list = 'ls -l /proc/self/fd';
    const b = await startText(
      t,
      `function handle() {
        $pipe = proc_open('${list}', [1 => ['pipe', 'w']], $pipes);
        $all = [shell_exec('${list}'), stream_get_contents($pipes[1])];
        return array_map(fn($text) => str_contains($text, readlink('/proc/self/fd/3')), $all);
      }`,
    );
    t.is((await b.call({})).text, '[false,false]');
  });

  check('a child that is forked while the handler loads serves nobody', async t => {
    for (const statement of ['', 'throw new LogicException("in the child");', 'exit(0);']) {
      const b = await startText(t, `if (pcntl_fork() === 0) { ${statement} }\nfunction handle() { return getmypid(); }`);
      t.deepEqual(b.records.length, 1);
      for (let i = 0; i < 3; i++) t.is((await b.call({})).text, String(b.child.pid));
      t.is(b.records.length, 1, statement);
    }
  });

  // Signals

  check('an error that a signal handler throws after its call is logged and counted, and the process lives', async t => {
    const b = await startText(
      t,
      `pcntl_signal(SIGALRM, function () { throw new LogicException('too late'); });
      function handle($event) { pcntl_alarm($event); return getmypid(); }`,
    );
    for (const count of [1, 2]) {
      await b.call(1, {invocationId: 'i'});
      await b.until(() => b.logs.length === count);
      t.like(b.logs.at(-1), {
        level: 'error',
        line: `core-bridge: error outside of a call (stray error ${count}): LogicException: too late`,
        invocationId: undefined,
      });
    }
    t.is((await b.call(0)).text, String(b.child.pid));
  });

  check('an error that a signal handler throws within its call is the call’s', async t => {
    const b = await startText(
      t,
      `pcntl_signal(SIGALRM, function () { throw new LogicException('in time'); });
      function handle($event) { pcntl_alarm(1); sleep(5); return getmypid(); }`,
    );
    t.like(await b.call({}), {status: 500, text: 'in time'});
  });

  check('a destructor that throws between two calls is logged, and the process lives', async t => {
    const b = await startText(
      t,
      `class Thrower extends LogicException {
        public function __destruct() { throw new LogicException('from a destructor'); }
      }
      function handle($event) { if ($event) throw new Thrower('first'); return 'served'; }`,
    );
    await b.call(true);
    t.is((await b.call(false)).text, '"served"');
    await b.until(() => b.logs.some(log => log.line.includes('from a destructor')));
  });

  for (const [where, text] of Object.entries({
    'while it loads': "pcntl_signal(SIGTERM, function () { echo 'mine'; }); function handle() { return 1; }",
    'in a call': "function handle() { pcntl_signal(SIGTERM, function () { echo 'mine'; }); return 1; }",
    'as one that throws': "pcntl_signal(SIGTERM, function () { echo 'mine'; throw new Error(); }); function handle() { return 1; }",
  })) {
    check(`a handler of SIGTERM that the function sets ${where} runs, then the bridge ends`, async t => {
      const b = await startText(t, text);
      for (let i = 0; i < 2; i++) t.is((await b.call({})).text, '1');
      b.letGo();
      b.child.kill('SIGTERM');
      t.is(await b.exited, 0);
      t.is(b.output.stdout, 'mine');
    });
  }

  check('a handler of SIGTERM that puts back what it found, or ignores the signal, does not keep the bridge', async t => {
    for (const set of [
      'static $found; $found ??= pcntl_signal_get_handler(SIGTERM); pcntl_signal(SIGTERM, $event ? $found : fn() => print("mine"));',
      'pcntl_signal(SIGTERM, SIG_IGN);',
      'pcntl_signal(SIGTERM, SIG_DFL);',
    ]) {
      const b = await startText(t, `function handle($event) { ${set} return 1; }`);
      for (const event of [false, true]) await b.call(event);
      b.letGo();
      b.child.kill('SIGTERM');
      t.is(await b.exited, 0);
      t.is(b.output.stdout, '', set);
    }
  });

  check('a relative include is found in the working directory and beside the handler', async t => {
    const b = await startText(
      t,
      `file_put_contents(__DIR__ . '/beside.php', '<?php return "beside";');
      chdir(sys_get_temp_dir());
      file_put_contents($there = 'core-there-' . getmypid() . '.php', '<?php return "there";');
      $words = [include $there, include 'beside.php'];
      unlink($there);
      function handle() { global $words; return $words; }`,
    );
    t.is((await b.call({})).text, '["there","beside"]');
  });

  check('endless recursion through PHP itself is an error, or the end of the process at once', async t => {
    const b = await startText(t, 'function handle($event) { return array_map("handle", [$event]); }');
    const reply = await b.call({}).catch(() => undefined);
    if (reply?.status === 500) return; // PHP 8.3 and later
    t.true(reply === undefined || reply.status === 502);
    await b.exited;
    t.is(b.child.signalCode, 'SIGSEGV');
  });

  // The program

  check('a handler’s file is not told that it is the program', async t => {
    const file = await functionFile(t, 'unused.php', '<?php');
    const b = await startText(
      t,
      `$isProgram = [
        realpath($argv[0]) === __FILE__, realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__,
        get_included_files()[0] === __FILE__, !debug_backtrace(), count($argv) > 1,
      ];
      $folder = getcwd();
      function handle() { global $isProgram, $folder; return [$isProgram, $folder === getcwd()]; }`,
      {env: {UNUSED: file}},
    );
    for (let i = 0; i < 2; i++) t.is((await b.call({})).text, '[[false,false,false,false,false],true]');
  });
}
