import {readFileSync} from 'node:fs';
import type {Call} from '../../src/conform/channel/call.ts';
import {callFrames} from '../../src/conform/channel/frames.ts';
import {type Bridge, functionFile, runOf} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';

// Bodies that the function reads as they come, beyond the suite of test/full/uploads-php.ts and the cases of conform.

const streams = {env: {CORE_REQUEST_BODY: 'stream'}};

eachHop(php => {
  whole(php);
  if (php.hop === 'channel') open(php);
});

function whole({check, startText}: Php): void {
  check('a body that came whole is read as a stream, in base64, too', async t => {
    const b = await startText(
      t,
      'function handle($event, array $context) { return [isset($event["body"]), stream_get_contents($context["body"])]; }',
      streams,
    );
    t.is((await b.call({body: 'hello', isBase64Encoded: false})).text, '[false,"hello"]');
    t.is((await b.call({body: 'aGVsbG8=', isBase64Encoded: true})).text, '[false,"hello"]');
    t.is((await b.call({body: ''})).text, '[false,""]');
    t.is((await b.call({})).text, '[false,""]');
  });

  check('the context is JSON without its body', async t => {
    const b = await startText(t, 'function handle($event, $context) { return $context; }', streams);
    t.is((await b.call({body: 'hello'}, {functionName: 'f'})).text, '{"functionName":"f"}');
  });
}

function open({check, startText}: Php): void {
  /** A call whose body follows. */
  function begin({calls}: Bridge, event: unknown): {call: Call; send: (text: string) => void} {
    if (!calls) throw new Error('The bridge is not on the channel');
    const call = calls.open();
    call.uploads();
    calls.write(...callFrames(call.number, {...runOf(event), body: undefined}));
    return {call, send: text => calls.upload(call, Buffer.from(text))};
  }

  const textOf = async ({outcome}: Call) => {
    const ended = await outcome;
    return ended.kind === 'result'
      ? ended.body.toString() || ended.json
      : ended.kind === 'failed'
        ? `failed: ${ended.message}`
        : ended.kind;
  };
  const printed = (b: Bridge, line: string) => b.until(() => b.logs.some(each => each.line === line));

  check('lines, copies and hashes are read as from any stream', async t => {
    const b = await startText(
      t,
      `function handle($event, $context) {
        $lines = [];
        while (($line = fgets($context->body)) !== false) { echo $line; $lines[] = strlen($line); }
        return implode(' ', $lines) . (feof($context->body) ? ' end' : '');
      }`,
      streams,
    );
    const {call, send} = begin(b, {});
    send('one\ntw');
    await printed(b, 'one');
    send('o\n');
    send('x'.repeat(200_000));
    send('');
    t.is(await textOf(call), '4 4 200000 end');
  });

  for (const [name, reads] of Object.entries({
    stream_get_contents: 'stream_get_contents($body)',
    stream_copy_to_stream: "stream_copy_to_stream($body, fopen('php://memory', 'w+'))",
    hash_update_stream: "hash_update_stream(hash_init('sha1'), $body)",
    'feof and fread': '(function () use ($body) { while (!feof($body)) fread($body, 8192); })()',
    fgets: '(function () use ($body) { while (fgets($body) !== false); })()',
  })) {
    check(`${name} throws when a body breaks off`, async t => {
      const b = await startText(
        t,
        `function handle($event, $context) {
          $body = $context->body;
          echo fread($body, 3), "\\n";
          try { ${reads}; } catch (RuntimeException $error) { return $error->getMessage(); }
          return 'a part passed for the whole';
        }`,
        streams,
      );
      const {call, send} = begin(b, {});
      send('one');
      await printed(b, 'one');
      send('two');
      b.calls?.cancel(call);
      t.is(await textOf(call), 'The request ended before it was complete');
    });
  }

  check('a reply may leave piece by piece while the body comes', async t => {
    const b = await startText(
      t,
      `function echoes($body) { while (($piece = fread($body, 65536)) !== '') yield strtoupper($piece); }
      function handle($event, $context) { return ['headers' => ['Content-Type' => 'text/plain'], 'body' => echoes($context->body)]; }`,
      streams,
    );
    const {call, send} = begin(b, {});
    for (const [piece, received] of [
      ['one', 3],
      ['two', 6],
    ] as const) {
      send(piece);
      while (call.received < received + headBytes(call)) await new Promise(setImmediate);
    }
    send('');
    t.is(await textOf(call), 'ONETWO');
  });

  check('a signal is handled while the function waits for its body, and what it throws is the call’s error', async t => {
    const told = await functionFile(t, 'told', ''); // what is printed while a line leaves is lost
    const b = await startText(
      t,
      `pcntl_signal(SIGUSR1, function () { file_put_contents('${told}', 'seen'); });
      pcntl_signal(SIGUSR2, function () { throw new DomainException('enough'); });
      function handle($event, $context) { echo "waiting\\n"; return stream_get_contents($context->body); }`,
      streams,
    );
    const {call} = begin(b, {});
    await printed(b, 'waiting');
    b.child.kill('SIGUSR1');
    while (readFileSync(told, 'utf8') !== 'seen') await new Promise(setImmediate);
    b.child.kill('SIGUSR2');
    t.is(await textOf(call), 'failed: enough');
    const next = begin(b, {});
    next.send('hello');
    next.send('');
    t.is(await textOf(next.call), 'hello');
  });

  check('a body that is kept beyond its call, or read in a forked process, cannot be read', async t => {
    const told = await functionFile(t, 'told', '');
    const b = await startText(
      t,
      `function attempt($body) { try { return fread($body, 10); } catch (RuntimeException $error) { return $error->getMessage(); } }
      function handle($event, $context) {
        static $kept;
        if ($event === 'keep') { $kept = $context->body; return 'kept'; }
        if ($event === 'kept') return attempt($kept);
        if (pcntl_fork() === 0) { file_put_contents('${told}', attempt($context->body)); exit; }
        pcntl_wait($status);
        return file_get_contents('${told}');
      }`,
      streams,
    );
    t.is(await textOf(begin(b, 'keep').call), 'kept');
    t.is(await textOf(begin(b, 'kept').call), 'The call is over');
    t.is(await textOf(begin(b, 'fork').call), 'The body of the request is for the process that has forked this one');
  });

  check('a call that waits for another gets its body as well, and one whose caller leaves before does not run', async t => {
    const b = await startText(
      t,
      'function handle($event, $context) { echo "begun $event\\n"; return stream_get_contents($context->body); }',
      streams,
    );
    const [first, second, third] = [begin(b, 'first'), begin(b, 'second'), begin(b, 'third')];
    await printed(b, 'begun first');
    third.send('three');
    third.send('');
    second.send('two');
    b.calls?.cancel(second.call);
    first.send('one');
    first.send('');
    t.deepEqual(await Promise.all([first, second, third].map(({call}) => textOf(call))), ['one', 'end', 'three']);
    t.false(b.logs.some(({line}) => line === 'begun second'));
  });

  check('the end of the channel in the middle of a body fails the read, and the process ends', async t => {
    const b = await startText(
      t,
      'function handle($event, $context) { echo "waiting\\n"; return stream_get_contents($context->body); }',
      streams,
    );
    const {call} = begin(b, {});
    await printed(b, 'waiting');
    b.calls?.end();
    t.is(await textOf(call), 'failed: The channel ended before the request was complete');
    t.is(await b.exited, 0);
  });
}

/** Of the JSON that came in front of a body. */
function headBytes(call: Call): number {
  return call.isStreamed ? JSON.stringify({headers: {'Content-Type': 'text/plain'}}).length : Number.POSITIVE_INFINITY;
}
