import {checkOf, keywordsOf, type Python, startPython} from './python-suite.ts';

const before = `import collections, email.message, io, os
try:
    from collections.abc import Mapping
except ImportError:
    from collections import Mapping
message = email.message.Message()
message["Content-Type"] = "text/x"
message["Set-Cookie"] = "a=1"
message["Set-Cookie"] = "b=2"
class Fields(Mapping):
    def __init__(self, *pairs):
        self.pairs = collections.OrderedDict(pairs)
    def __getitem__(self, name):
        return self.pairs[name]
    def __iter__(self):
        return iter(self.pairs)
    def __len__(self):
        return len(self.pairs)
class Elsewhere(dict):
    def items(self):
        return [("a", 1)]
class Point(object):
    def __init__(self):
        self.x = 1
def pieces():
    yield "piece"
`;

/** What is no plain value, and has no plain meaning either. */
const refused: Record<string, string> = {
  'a file that is open for writing': 'open(os.devnull, "w")',
  'an exception': 'ValueError("no luck")',
  'a set': 'set([1])',
  'an object': 'Point()',
  'a class': 'Point',
  'a function': 'pieces',
  'a map': 'iter([1])',
};

/** What is read piece by piece as the result and as its body, and has no meaning elsewhere. */
const sources: Record<string, string> = {
  'a generator': 'pieces()',
  'a file': 'open(os.devnull)',
  'a text stream': 'io.StringIO(u"x")',
};

const elsewhere = ['{"headers": %, "body": "x"}', '{"body": {"deep": [%]}}'];

const read: Record<string, [expression: string, want: unknown]> = {
  'a message of the email package as headers': [
    '{"headers": message, "body": "x"}',
    {headers: {'Content-Type': 'text/x', 'Set-Cookie': ['a=1', 'b=2']}, body: 'x'},
  ],
  'a mapping as headers': ['{"headers": Fields(("X-A", "1"))}', {headers: {'X-A': '1'}}],
  'pairs as headers': [
    '{"headers": [("X-A", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), ("Set-Cookie", "c")]}',
    {headers: {'X-A': '1', 'Set-Cookie': ['a', 'b', 'c']}},
  ],
  'a mapping of lists as headers': ['{"multiValueHeaders": Fields(("X-A", ["1", "2"]))}', {multiValueHeaders: {'X-A': ['1', '2']}}],
  'a mapping as the body': ['{"body": Fields(("a", Fields(("b", 1))))}', {body: {a: {b: 1}}}],
  'a mapping as the result': ['Fields(("statusCode", 201), ("body", u"x"))', {statusCode: 201, body: 'x'}],
  'a dict that keeps its items elsewhere': ['[{"body": Elsewhere()}, Fields(("a", 1))][0]', {body: {a: 1}}],
  'the same as headers': ['{"headers": Elsewhere()}', {headers: {a: 1}}],
  'the same as the result': ['Elsewhere()', {a: 1}],
  'an ordered dict': ['collections.OrderedDict([("z", 1), ("a", 2)])', {z: 1, a: 2}],
};

/** One bridge for all: a refusal must leave the next call unharmed, too. */
export function pythonResultsSuite(python: Python): void {
  const check = checkOf(python);
  const inAllPlaces = (expressions: Record<string, string>, places: readonly string[]) =>
    Object.values(expressions).flatMap(expression => places.map(place => place.replace('%', expression)));

  check('what is no JSON is refused, not sent as nothing, wherever it stands', async t => {
    const results = [...inAllPlaces(refused, ['%', '{"body": %}', ...elsewhere]), ...inAllPlaces(sources, elsewhere)];
    const b = await startPython(t, python, handlerOf('def', results));
    for (const [index, result] of results.entries()) {
      const reply = await b.call({index});
      t.is(reply.status, 500, result);
      t.regex(reply.text, /^The result of the function is not JSON: Object of type \w+ is not JSON serializable$/, result);
    }
  });

  for (const keyword of keywordsOf(python)) {
    check(`what ${keyword} returns in place of a dict or a list is read`, async t => {
      const results = Object.values(read).map(([result]) => result);
      const b = await startPython(t, python, handlerOf(keyword, results));
      for (const [index, [kind, [, want]]] of Object.entries(read).entries()) {
        const reply = await b.call({index});
        t.is(reply.status, 200, `${kind}: ${reply.text}`);
        t.deepEqual(JSON.parse(reply.text), want, kind);
      }
    });
  }
}

/** The call with `{"index": n}` returns the n-th of these expressions. */
const handlerOf = (keyword: string, results: readonly string[]) => `${before}results = [
${results.map(result => `    lambda: ${result},\n`).join('')}]
${keyword} handle(event, context):
    return results[event["index"]]()
`;
