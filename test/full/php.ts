import {spawn} from 'node:child_process';
import {once} from 'node:events';
import path from 'node:path';
import type {Readable} from 'node:stream';
import {fileURLToPath} from 'node:url';
import {functionFile} from '../helpers/bridge.ts';
import {bridgeSuite} from '../helpers/bridge-suite.ts';
import {bridge, eachHop, type Php} from '../helpers/php.ts';

const handlers = fileURLToPath(new URL('../fixtures/functions/php/handlers', import.meta.url));

eachHop(php => {
  bridgeSuite({
    title: 'php',
    binary: 'php',
    bridge,
    handlers,
    extension: 'php',
    brokenText: '<?php function handle($event {\n',
    tags: true,
    hop: php.hop,
    closes: true,
  });
  ownCases(php);
});

function ownCases({check, hop, start, startText}: Php): void {
  // Ends

  const ends: Record<string, [statement: string, text: RegExp, code: number]> = {
    'exit()': ['echo "half a line"; exit(3);', /^The handler called exit\(\)$/, 3],
    'die() with a text': ['die("half a line");', /^The handler called exit\(\)$/, 0],
    'memory that is used up': [
      'echo "half a line"; ini_set("memory_limit", "20M"); $all = []; while (true) { $all[] = str_repeat("x", 100000); }',
      /^Allowed memory size of 20971520 bytes exhausted/,
      255,
    ],
    'endless recursion': [
      'echo "half a line"; ini_set("memory_limit", "100M"); function endless($n) { return endless($n + 1) + 1; } endless(0);',
      /^Allowed memory size of \d+ bytes exhausted/,
      255,
    ],
    'a fatal error': ['echo "half a line"; eval("class A implements Countable {}");', /^Class A contains 1 abstract method/, 255],
  };

  for (const [kind, [statement, text, code]] of Object.entries(ends)) {
    check(`${kind} in a call is a 500 that says so, the output is kept and the process ends`, async t => {
      const b = await startText(t, `function handle() { ${statement} }`);
      if (hop === 'http') await once(b.connect(), 'connect');
      const reply = await b.call({}, {invocationId: 'last'});
      t.is(reply.status, 500);
      t.regex(reply.text, text);
      t.is(await b.exited, code);
      t.true(b.logs.some(log => log.line === 'half a line' && log.invocationId === 'last'));
      t.true(b.logs.some(log => log.stream === 'stderr' && log.line.includes('the handler ended the process')));
      await t.throwsAsync(once(b.connect(), 'connect'), {code: 'ECONNREFUSED'});
    });
  }

  const loadFailures: Record<string, [text: string, error: RegExp]> = {
    'exit()': ['exit("not today");', /exit\(\) was called/],
    'a fatal error': ['class A implements Countable {}', /Class A contains 1 abstract method/],
    'an exception': ['throw new DomainException("not today");', /^DomainException: not today$/],
    'a missing dependency': ['require __DIR__ . "/missing.php";', /missing\.php/],
    'a function of PHP itself': ['function other() {}', /declares no function named system/],
  };

  for (const [kind, [text, error]] of Object.entries(loadFailures)) {
    check(`${kind} while the handler loads is reported, and the process stays`, async t => {
      const b = await startText(t, text, kind.startsWith('a function') ? {name: 'system'} : {});
      t.like(b.records[0], {loaded: false});
      t.regex((b.records[0] as {error: string}).error, error); // a failed load has one
      for (let i = 0; i < 2; i++) t.regex((await b.call({})).text, /^Function Handler does not exist/);
      b.child.kill('SIGTERM');
      t.is(await b.exited, 0);
    });
  }

  check('memory is bounded also where php.ini sets no limit, and php.ini’s limit counts', async t => {
    const text = 'function handle() { return ini_get("memory_limit"); }';
    for (const [line, limit] of [
      ['', /^"\d{8,}"$/],
      ['memory_limit = -1', /^"\d{8,}"$/],
      ['memory_limit = 48M', /^"48M"$/],
    ] as const) {
      const ini = await functionFile(t, 'php.ini', `${line}\n`);
      const b = await startText(t, text, {env: {PHPRC: path.dirname(ini)}});
      t.regex((await b.call({})).text, limit, line);
    }
  });

  check('a function is a 500 that says what to do', async t => {
    for (const result of ['fn() => 1', "['statusCode' => 200, 'body' => fn() => 1]"]) {
      const b = await startText(t, `function handle() { return ${result}; }`);
      t.like(await b.call({}), {status: 500, text: 'The result of the function is not JSON: a function must be called first'});
    }
  });

  check('a handler may declare both parameters as arrays', async t => {
    const b = await startText(t, 'function handle(array $event, array $context): array { return [$event, $context]; }');
    t.is(
      (await b.call({body: 'x', isBase64Encoded: false}, {invocationId: 'i'})).text,
      '[{"body":"x","isBase64Encoded":false},{"invocationId":"i"}]',
    );
  });

  check('without pcntl SIGTERM ends the process at once', async t => {
    const ini = await functionFile(t, 'php.ini', 'disable_functions = pcntl_async_signals,pcntl_signal\n');
    const b = await start(t, handlers, {name: 'text', env: {PHPRC: path.dirname(ini), PHP_INI_SCAN_DIR: ''}});
    t.is((await b.call({})).text, '"two words"');
    b.child.kill('SIGTERM');
    await b.exited;
    t.is(b.child.signalCode, 'SIGTERM');
  });

  check('when the core dies the process ends by itself', async t => {
    const file = await functionFile(t, 'handler.php', '<?php function handle() {}');
    const core = spawn('sh', ['-c', 'php "$0" & wait', bridge], {
      env: {PATH: process.env.PATH, SCW_UPSTREAM_PORT: '0', SCW_HANDLER_PATH: file, CORE_BRIDGE_FD: '3'},
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const channel = core.stdio[3] as Readable; // opened as a pipe above
    const [line] = await once(channel, 'data');
    t.regex(String(line), /"loaded":true/);
    core.kill('SIGKILL');
    await t.notThrowsAsync(once(channel, 'end'));
  });

  // Errors

  check('an exception without a message, an error and a warning made an exception are 500s', async t => {
    for (const [statement, text] of [
      ['throw new LogicException();', 'LogicException'],
      ['return undefined_function();', 'Call to undefined function undefined_function()'],
      [
        'set_error_handler(function ($level, $message) { throw new ErrorException($message); }); return $absent;',
        'Undefined variable $absent',
      ],
      ['return stream_context_create();', 'The result of the function is not JSON: Type is not supported'],
      ['return NAN;', 'The result of the function is not JSON: Inf and NaN cannot be JSON encoded'],
    ] as const) {
      const b = await startText(t, `function handle() { ${statement} }`);
      for (let i = 0; i < 2; i++) t.like(await b.call({}), {status: 500, text});
    }
  });

  check('warnings and error_log() go to stderr, whatever php.ini says', async t => {
    const text = 'function handle() { error_log("a word"); return $absent; }';
    const ini = await functionFile(t, 'php.ini', 'display_errors = 1\nlog_errors = 0\nhtml_errors = 1\nserialize_precision = 4\n');
    const b = await startText(t, text, {env: {PHPRC: path.dirname(ini)}});
    t.like(await b.call({}), {status: 200, text: ''});
    await b.until(() => /a word[\s\S]*Undefined variable \$absent/.test(b.output.stderr));
    t.is(b.output.stdout, '');
    t.deepEqual(b.logs, []);
  });

  // Output

  check('nothing that is printed reaches the reply, whatever the handler does with the buffers', async t => {
    const b = await startText(
      t,
      `function handle($event) {
        echo "plain\\n"; print("print\\n"); printf("%s\\n", "printf");
        if ($event === "left open") { ob_start(); ob_start(); echo "left open"; }
        if ($event === "closed") { while (ob_get_level()) ob_end_clean(); }
        if ($event === "used") { ob_start(); echo "captured"; return ob_get_clean(); }
        return $event;
      }`,
    );
    for (const event of ['left open', 'closed', 'plain']) t.is((await b.call(event)).text, JSON.stringify(event));
    t.is((await b.call('used')).text, '"captured"');
    await b.until(() => b.logs.length === 13);
    t.is(b.logs.filter(log => log.line === 'left open').length, 1);
    t.is(b.output.stdout, '');
  });

  check('an output buffer whose callback fails after the call costs its text only', async t => {
    const b = await startText(
      t,
      `function handle($event) {
        if ($event !== 'next') ob_start(function () { throw new LogicException('in a buffer'); });
        echo "a line\\n";
        if ($event === 'in the call') try { ob_end_flush(); } catch (LogicException) {}
        return $event;
      }`,
    );
    for (const event of ['in the call', 'next', 'fails', 'next'])
      t.is((await b.call(event, {invocationId: event})).text, JSON.stringify(event));
    await b.until(() => b.logs.length === 3);
    t.like(b.logs, [
      {line: 'a line', invocationId: 'next'},
      {line: 'LogicException: in a buffer', level: 'error', invocationId: 'fails'},
      {line: 'a line', invocationId: 'next'},
    ]);
  });
}
