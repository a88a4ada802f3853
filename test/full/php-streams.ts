import {setTimeout} from 'node:timers/promises';
import {runOf} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';

// Bodies that are made piece by piece. A caller that wants the reply whole gets it whole.

const before = `
  function pieces() { yield 'hé'; yield ''; yield 'llo'; }
  class Cursor implements IteratorAggregate { public function getIterator(): Iterator { return pieces(); } }
  function file_of($text) { $file = tmpfile(); fwrite($file, $text); rewind($file); return $file; }`;

const sources: Record<string, string> = {
  'a generator': 'pieces()',
  'an object that makes an iterator': 'new Cursor()',
  'an iterator around a generator': 'new NoRewindIterator(pieces())',
  'a file': "file_of('héllo')",
  'a pipe': String.raw`popen("printf 'h\\303\\251llo'", 'r')`,
  'a stream of PHP': "fopen('data:text/plain,h%C3%A9llo', 'r')",
};

eachHop(cases);

function cases({check, startText, hop}: Php): void {
  check('a piece that is neither text nor bytes, or an error before the first piece, is a 500', async t => {
    const b = await startText(
      t,
      `function number() { yield 7; }
      function none() { yield; }
      function error() { throw new DomainException('no luck'); yield 1; }
      function handle($event) { return $event(); }`,
    );
    const wrong = 'A piece of a streamed body must be a text or bytes, not';
    for (let i = 0; i < 2; i++) {
      t.like(await b.call('number'), {status: 500, text: `${wrong} int`});
      t.like(await b.call('none'), {status: 500, text: `${wrong} null`});
      t.like(await b.call('error'), {status: 500, text: 'no luck'});
    }
  });

  check('exit() in a generator fails the call, and ends the process', async t => {
    const b = await startText(t, 'function ends() { exit(3); yield 1; } function handle() { return ends(); }');
    t.like(await b.call({}), {status: 500, text: 'The handler called exit()'});
    await b.exited;
  });

  check('a stream that cannot be read to its end fails the call, and passes for no shorter one', async t => {
    const b = await startText(t, "function handle() { return fopen('/proc/self/mem', 'r'); }"); // nothing is at its beginning
    t.like(await b.call({}), {status: 500, text: 'The stream of the body could not be read to its end'});
  });

  check('a stream is closed when it was read, and so is a generator that nobody wants any more', async t => {
    const b = await startText(
      t,
      `function large() {
        try { while (true) yield str_repeat('x', 1048576); } finally { echo "closed\\n"; }
      }
      function handle($event) {
        static $file;
        if ($event === 'state') return is_resource($file);
        if ($event === 'file') return $file = fopen('data:text/plain,x', 'r');
        return large();
      }`,
    );
    t.is(JSON.parse((await b.call('file')).text), 'x');
    t.is((await b.call('state')).text, 'false');
    if (b.calls) {
      const call = b.calls.begin(runOf('large'), {credit: 'none'});
      while (call.received < call.allowed) await setTimeout(5);
      b.calls.cancel(call);
      await call.outcome;
    } else t.regex((await b.call('large')).text, /^A streamed body of more than 33554432 bytes cannot be gathered$/);
    await b.until(() => b.logs.some(({line}) => line === 'closed'));
    t.is((await b.call('state')).text, 'false');
  });

  for (const [kind, expression] of Object.entries(sources)) {
    check(`${kind} is read, as the result and as the body`, async t => {
      const b = await startText(
        t,
        `${before} function handle($event) {
          return match ($event) {
            'whole' => ${expression},
            'array' => ['statusCode' => 201, 'body' => ${expression}],
            'object' => (object) ['statusCode' => 201, 'headers' => new ArrayObject(['X-A' => '1']), 'body' => ${expression}],
          };
        }`,
      );
      t.is(JSON.parse((await b.call('whole')).text), 'héllo');
      t.deepEqual(JSON.parse((await b.call('array')).text), {statusCode: 201, body: 'héllo'});
      t.deepEqual(JSON.parse((await b.call('object')).text), {statusCode: 201, headers: {'X-A': '1'}, body: 'héllo'});
    });
  }

  check('what is printed while pieces are made belongs to the call, and bytes stay bytes', async t => {
    const b = await startText(t, 'function made() { echo "made\\n"; yield "\\xff\\x00"; } function handle() { return made(); }');
    t.deepEqual(JSON.parse((await b.call({}, {invocationId: 'i'})).text), {body: '/wA=', isBase64Encoded: true});
    await b.until(() => b.logs.some(({line, invocationId}) => line === 'made' && invocationId === 'i'));
  });

  check('a child that is forked between two pieces answers nobody', async t => {
    const b = await startText(
      t,
      `function made() {
        yield 'a';
        $child = pcntl_fork();
        yield $child === 0 ? 'child' : 'b';
        pcntl_waitpid($child, $status);
        yield 'c';
      }
      function handle() { return made(); }`,
    );
    for (let i = 0; i < 2; i++) t.is(JSON.parse((await b.call({})).text), 'abc');
  });

  if (hop === 'http') return;

  check('a signal that comes while pieces are made is handled, and warnings of the function are its own', async t => {
    const b = await startText(
      t,
      `$heard = 0;
      pcntl_signal(SIGUSR1, function () use (&$heard) { $heard++; });
      set_error_handler(function ($number, $text) { echo "warned: $text\\n"; return true; });
      function made() { global $heard; for ($i = 0; $i < 100; $i++) { posix_kill(getmypid(), SIGUSR1); yield 'x'; } trigger_error('mine'); yield (string) $heard; }
      function handle() { return made(); }`,
    );
    t.is(JSON.parse((await b.call({})).text), `${'x'.repeat(100)}100`);
    await b.until(() => b.logs.length > 0);
    t.deepEqual(
      b.logs.map(({line}) => line),
      ['warned: mine'],
    );
  });
}
