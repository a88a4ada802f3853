import test from 'ava';
import {parseDrop, parseFilter, parseRedrive} from '../../src/admin/work/wish.ts';
import {Refusal} from '../../src/route.ts';
import {openPrivate} from '../helpers/admin.ts';
import {ask} from '../helpers/request.ts';

const routes = [
  ['GET', '/api/work'],
  ['GET', '/api/work/x'],
  ['DELETE', '/api/work/x'],
  ['POST', '/api/work/pause'],
  ['POST', '/api/work/resume'],
  ['GET', '/api/dead'],
  ['GET', '/api/dead/x'],
  ['GET', '/api/dead/redrive'],
  ['DELETE', '/api/dead/redrive'],
  ['POST', '/api/dead/redrive'],
  ['POST', '/api/dead/drop'],
] as const;

test('a core that takes no work says so at every route of work, with a token only', async t => {
  const {url} = await openPrivate(t);
  const closed = await openPrivate(t, {token: 'secret'});
  for (const [method, path] of routes) {
    const answer = await ask(url + path, {method});
    t.is(answer.status, 404, `${method} ${path}`);
    t.deepEqual(answer.json(), {error: {code: 'NOT_FOUND', message: 'this core takes no work: CORE_WORK=on lets callers send it'}});
    t.is((await ask(closed.url + path, {method})).status, 403, `${method} ${path}`);
  }
});

const refused: readonly (readonly [body: string, message: RegExp])[] = [
  ['[]', /expected a JSON object/],
  ['{', /expected a JSON object/],
  ['null', /expected a JSON object/],
  ['{"clas": "timeout"}', /expected only since, class, .*got `clas`/],
  ['{"since": "soon"}', /since: expected a duration/],
  ['{"since": {}}', /since: expected a duration/],
  ['{"status": 99}', /status: expected the status of a reply/],
  ['{"status": [503]}', /status: expected the status of a reply/],
  ['{"class": "a b"}', /class: expected/],
  ['{"class": null}', /class: expected/],
  ['{"id": "a/b"}', /id: expected/],
  ['{"ids": []}', /ids: expected a list of 1 to 1000 ids/],
  ['{"ids": "x"}', /ids: expected/],
  ['{"ids": ["a b"]}', /ids: expected/],
  [JSON.stringify({ids: Array.from({length: 1001}, (_, index) => `${index}`)}), /ids: expected/],
  ['{"preview": "yes"}', /preview: expected true or false/],
  ['{"canary": -1}', /canary: expected/],
  ['{"canary": 1.5}', /canary: expected/],
  ['{"rate": 0}', /rate: expected/],
  ['{"rate": 1001}', /rate: expected/],
];
for (const [body, message] of refused) {
  test(`a redrive of ${body.slice(0, 40)} is refused, as another would be sent`, t => {
    t.throws(() => parseRedrive(body, 0), {instanceOf: Refusal, code: 'BAD_REQUEST', message});
  });
}

test('what is not said means every dead letter, ten a second', t => {
  const all = {status: undefined, class: undefined, since: undefined, id: undefined};
  for (const body of ['', '{}']) {
    t.deepEqual(parseRedrive(body, 5), {filter: all, ids: undefined, canary: 0, rate: 10, isPreview: false});
  }
  const body = '{"since": "1m", "class": "timeout", "status": 503, "ids": ["b", "a", "b"], "canary": 1, "rate": 2, "preview": true}';
  t.deepEqual(parseRedrive(body, 100_000), {
    filter: {status: 503, class: 'timeout', since: 40_000, id: undefined},
    ids: ['b', 'a'],
    canary: 1,
    rate: 2,
    isPreview: true,
  });
  t.deepEqual(parseFilter({status: '503', id: '0198'}, 0), {...all, status: 503, id: '0198'});
});

test('ids to drop are always said', t => {
  t.throws(() => parseDrop('{}'), {instanceOf: Refusal, message: /ids: expected/});
  t.deepEqual(parseDrop('{"ids": ["a"]}'), ['a']);
});
