import {eachHop, type Php} from '../helpers/php.ts';

eachHop(cases);

function cases({check, startText}: Php): void {
  const classes = `
    class Secret { private $all = 7; }
    class Message { public function getHeaders() { return ['X-A' => ['1', '2']]; } }
    class Response extends Message {
      public function getStatusCode() { return 201; }
      public function getBody() { return new Text(); }
    }
    class Text { private $all = 'a text'; public function __toString() { return $this->all; } }
    class Collection implements IteratorAggregate {
      private $all = ['X-A' => '1'];
      public function getIterator(): Iterator { return new ArrayIterator($this->all); }
    }
    class Json implements JsonSerializable { public function jsonSerialize(): mixed { return ['headers' => [], 'body' => 1]; } }
    class Own { public $statusCode = 201; public $headers = []; public $body = 'x'; }
    class Nothing {}
    function numbers() { yield 1; }`;

  const places = ['result', 'list', 'body', 'object', 'in the body', 'headers', 'header', 'multi'];
  /** As the result, or its body, what is made piece by piece is read: php-streams.ts. */
  const isSource = (kind: string, place: string) => /generator|resource/.test(kind) && /^(result|body|object)$/.test(place);
  const refused: Record<string, [value: string, problem: string]> = {
    'a generator': ['numbers()', 'a generator must be read first'],
    'a closure': ['fn() => 1', 'a function must be called first'],
    'an object without public members': ['new Secret()', 'an object of Secret has no public members'],
    'an exception': ['new LogicException("x")', 'an object of LogicException has no public members'],
    'a list of the standard library': ['new SplStack()', 'an object of SplStack has no public members'],
    'a collection': ['new WeakMap()', 'an object of WeakMap has no public members'],
    'a resource': ['fopen(__FILE__, "r")', 'Type is not supported'],
  };

  for (const [kind, [value, problem]] of Object.entries(refused)) {
    check(`${kind} is refused, wherever it is in a result`, async t => {
      const b = await startText(
        t,
        `${classes}
        function handle($place) {
          $value = ${value};
          switch ($place) {
            case 'result': return $value;
            case 'list': return [1, $value];
            case 'body': return ['body' => $value];
            case 'object': return (object) ['body' => $value];
            case 'in the body': return ['body' => ['a' => new ArrayObject(['b' => [$value]])]];
            case 'headers': return ['headers' => $value];
            case 'header': return ['headers' => ['X-A' => $value]];
            case 'multi': return ['multiValueHeaders' => $value];
          }
        }`,
      );
      const isMap = /Spl|Map/.test(value); // as headers these two are empty
      for (const place of places.filter(place => !isSource(kind, place) && (!isMap || !/^(headers|multi)$/.test(place)))) {
        t.like(await b.call(place), {status: 500, text: `The result of the function is not JSON: ${problem}`}, place);
      }
    });
  }

  const read: Record<string, [result: string, text: string]> = {
    'an object whose headers are []': ['(object) ["headers" => [], "body" => "x"]', '{"headers":{},"body":"x"}'],
    'an ArrayObject whose headers are []': ['new ArrayObject(["headers" => []])', '{"headers":{}}'],
    'an object of a class whose headers are []': ['new Own()', '{"statusCode":201,"headers":{},"body":"x"}'],
    'an object that says its JSON': ['new Json()', '{"headers":{},"body":1}'],
    'headers in an ArrayObject': ['["headers" => new ArrayObject(["X-A" => "1"])]', '{"headers":{"X-A":"1"}}'],
    'headers in an empty ArrayObject': ['["headers" => new ArrayObject()]', '{"headers":{}}'],
    'headers in a collection': ['["headers" => new Collection()]', '{"headers":{"X-A":"1"}}'],
    'headers in an object': ['["headers" => (object) ["X-A" => "1"]]', '{"headers":{"X-A":"1"}}'],
    'headers of a message': ['["headers" => new Message()]', '{"headers":{"X-A":["1","2"]}}'],
    'the headers of the event': ['["headers" => $event["headers"]]', '{"headers":{"X-Id":"7"}}'],
    'a response as in PSR-7': ['new Response()', '{"statusCode":201,"headers":{"X-A":["1","2"]},"body":"a text"}'],
    'a body that is a text': ['["body" => new Text()]', '{"body":"a text"}'],
    'a result that is a text': ['new Text()', '"a text"'],
    'empty objects': [
      '["a" => new stdClass(), "b" => new Nothing(), "c" => new ArrayObject(), "d" => "{}", "e" => new DateTimeZone("UTC")]',
      '{"a":{},"b":{},"c":{},"d":"{}","e":{"timezone_type":3,"timezone":"UTC"}}',
    ],
  };

  for (const [kind, [result, text]] of Object.entries(read)) {
    check(`${kind}: the meaning is plain`, async t => {
      const b = await startText(t, `${classes}\nfunction handle($event) { return ${result}; }`);
      for (let i = 0; i < 2; i++) t.like(await b.call({headers: {'X-Id': '7'}}), {status: 200, text});
    });
  }
}
