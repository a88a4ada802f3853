import {mkdir, symlink, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {functionFile} from '../helpers/bridge.ts';
import {eachHop, type Php} from '../helpers/php.ts';

const {rawJSON} = JSON as unknown as {rawJSON(text: string): unknown}; // TypeScript does not know it yet

/* What a handler of PHP returns, and where it and its files are found. */

eachHop(valueCases);

function valueCases({check, start, startText}: Php): void {
  // Values

  check('numbers, slashes and empty values leave as they are', async t => {
    const b = await startText(
      t,
      `function handle($event) {
        return [PHP_INT_MAX, 0.1, 1.0, 1e100, -0.0, "é/\\u{2028}", [], new stdClass(), ["0" => 1], [1 => 1], $event["numbers"]];
      }`,
    );
    const reply = await b.call({numbers: [rawJSON('12345678901234567890'), 0.30000000000000004, rawJSON('1.0')]});
    t.is(
      reply.text,
      '[9223372036854775807,0.1,1.0,1.0e+100,-0.0,"é/\u2028",[],{},[1],{"1":1},["12345678901234567890",0.30000000000000004,1.0]]',
    );
  });

  check('an envelope may have no headers, be an object and carry bytes', async t => {
    for (const [result, text] of [
      ['["headers" => [], "body" => []]', '{"headers":{},"body":[]}'],
      ['(object) ["body" => "\\xff", "statusCode" => 201]', '{"body":"/w==","isBase64Encoded":true,"statusCode":201}'],
      ['["body" => "\\xff", "isBase64Encoded" => false]', '{"body":"/w==","isBase64Encoded":true}'],
    ] as const) {
      const b = await startText(t, `function handle() { return ${result}; }`);
      t.deepEqual(JSON.parse((await b.call({})).text), JSON.parse(text));
    }
  });

  check('headers take changes in any case, and a missing one is null', async t => {
    const b = await startText(
      t,
      `function handle($event) {
        $headers = $event["headers"];
        $headers["x-id"] = "8";
        $headers["New"] = "9";
        unset($headers["X-GONE"]);
        return [count($headers), $headers, isset($headers["absent"]), $headers["absent"] ?? "none", iterator_to_array($headers), (array) $headers];
      }`,
    );
    const reply = await b.call({headers: {'X-Id': '7', 'X-Gone': '1'}});
    const all = '{"X-Id":"8","New":"9"}';
    t.is(reply.text, `[2,${all},false,"none",${all},${all}]`);
  });

  check('the target is what the request line had, or made of the event', async t => {
    const b = await startText(t, 'function handle($event, $context) { return [$context->getRequestTarget(), count($context)]; }');
    const asked = async (event: unknown) => JSON.parse((await b.call(event)).text)[0];
    t.is(await asked({path: '/a^b#c'}), '/a^b#c');
    t.is(await asked({path: '/a b/%?é'}), '/a%20b/%25%3F%C3%A9');
    t.is(await asked({path: '/', queryStringParameters: {'a&': '1 2', é: ''}}), '/?a%26=1%202&%C3%A9=');
    t.is(await asked({path: '/', queryStringParameters: {a: '2'}, multiValueQueryStringParameters: {a: ['1', '2']}}), '/?a=1&a=2');
    for (const event of [7, 'text', {}, {path: null}]) t.is(await asked(event), '/');
  });

  // Names and files

  check('a handler is a function or method, global or in the namespace of its file, or what the file returns', async t => {
    const module = `namespace App\\Functions;
      function greet() { return "function"; }
      class Greeter {
        private int $calls = 0;
        public static function hello() { return "static"; }
        public function count() { return ++$this->calls; }
        private function secret() {}
      }
      return ["arrow" => fn() => "member", "method" => [new Greeter(), "count"]];`;
    for (const [name, text] of [
      ['greet', '"function"'],
      ['App\\Functions\\greet', '"function"'],
      ['Greeter::hello', '"static"'],
      ['App\\Functions\\Greeter::hello', '"static"'],
      ['Greeter::count', '1'],
      ['arrow', '"member"'],
      ['method', '1'],
    ] as const) {
      const b = await startText(t, module, {name});
      t.is((await b.call({})).text, text, name);
    }
    for (const name of ['Greeter::secret', 'Greeter::absent', 'Absent::hello', 'CoreRuntime\\readJson', 'CoreRuntime\\Bridge::serve', '']) {
      const b = await startText(t, module, {name});
      t.like(b.records[0], {loaded: false}, name);
    }
    t.is((await (await startText(t, 'return fn($event) => $event;')).call('x')).text, '"x"');
  });

  check('vendor/autoload.php is loaded, neighbours are found, and variables of the file are global', async t => {
    const file = await functionFile(
      t,
      'handler.php',
      `<?php
require 'neighbour.php';
require __DIR__ . '/vendor/autoload.php';
$calls = 10;
function handle() { global $calls; return [Dependency::WORD, neighbour(), ++$calls]; }
`,
    );
    const folder = path.dirname(file);
    await mkdir(path.join(folder, 'vendor'));
    await writeFile(
      path.join(folder, 'vendor/autoload.php'),
      `<?php if (!class_exists('Dependency')) { class Dependency { const WORD = 'x'; } }\n`,
    );
    await writeFile(path.join(folder, 'neighbour.php'), '<?php function neighbour() { return "near"; }\n');
    for (const given of [file, file.replace('.php', '')]) {
      const b = await start(t, given);
      t.is((await b.call({})).text, '["x","near",11]');
      t.is((await b.call({})).text, '["x","near",12]');
    }
  });

  for (const [where, handler, vendor] of [
    ['at the function’s root', 'src/http/handler.php', 'vendor'],
    ['beside a link to the handler', 'handler.php', 'vendor'],
    ['beside the file that a link to the handler names', 'handler.php', 'elsewhere/vendor'],
  ] as const) {
    check(`vendor/autoload.php ${where} is loaded`, async t => {
      const file = await functionFile(t, 'composer.json', '{}');
      const root = path.dirname(file);
      await mkdir(path.join(root, vendor), {recursive: true});
      await writeFile(path.join(root, vendor, 'autoload.php'), "<?php class Dependency { const WORD = 'x'; }\n");
      const isLink = !handler.includes('src');
      const real = path.join(root, isLink ? 'elsewhere/real.php' : handler);
      await mkdir(path.dirname(real), {recursive: true});
      await writeFile(real, '<?php function handle() { return Dependency::WORD; }\n');
      if (isLink) await symlink(real, path.join(root, handler));
      const b = await start(t, path.join(root, handler));
      t.is((await b.call({})).text, '"x"');
    });
  }

  check('a vendor/ above the function’s root is not the function’s', async t => {
    const file = await functionFile(t, 'unused.php', '');
    const folder = path.dirname(file);
    await mkdir(path.join(folder, 'vendor'));
    await writeFile(path.join(folder, 'vendor/autoload.php'), '<?php class Foreign {}\n');
    await mkdir(path.join(folder, 'function'));
    const handler = path.join(folder, 'function/handler.php');
    await writeFile(handler, "<?php function handle() { return class_exists('Foreign'); }\n");
    t.is((await (await start(t, handler)).call({})).text, 'false');
    await writeFile(path.join(folder, 'function/composer.json'), '{}');
    t.is((await (await start(t, handler)).call({})).text, 'false');
  });

  check('calls run one at a time', async t => {
    const b = await startText(t, 'function handle($event) { usleep(20000); echo "end of $event\\n"; return 0; }');
    await Promise.all([1, 2, 3].map(event => b.call(event, {invocationId: String(event)})));
    await b.until(() => b.logs.length === 3);
    t.true(b.logs.every(log => log.line === `end of ${log.invocationId}`));
  });

  check('an OpenTelemetry API that the function has loaded sees the trace of the caller', async t => {
    const b = await startText(
      t,
      `namespace OpenTelemetry\\API;
      class Globals {
        public static $active;
        public $found;
        public static function propagator() { return new self(); }
        public function extract($carrier) { $this->found = $carrier["traceparent"]; return $this; }
        public function activate() { self::$active = $this->found; return $this; }
        public function detach() { self::$active = null; }
      }
      function handle() { return Globals::$active; }`,
    );
    t.is((await b.call({}, {trace: {traceparent: '00-1-2-01'}})).text, '"00-1-2-01"');
  });
}
