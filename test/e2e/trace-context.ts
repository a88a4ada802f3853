import http, {type IncomingHttpHeaders} from 'node:http';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {openReceiver} from '../helpers/otlp.ts';
import {ask} from '../helpers/request.ts';

/*
What the public harness of W3C Trace Context (level 2, strict) asks of a service that forwards calls, asked of a function
behind a core: `new` means that the caller's trace must not be continued, `same` that it must. Without tracing of ours
the caller's context is passed on as it came, or not at all.
*/

const traceId = '12345678901234567890123456789012';
const parentId = '1234567890123456';
const valid = `00-${traceId}-${parentId}-01`;
const parent = ['traceparent', valid] as const;

type Field = readonly [name: string, value: string];
type Case = readonly [title: string, fields: readonly Field[], trace: 'same' | 'new', state?: string];

const states = (...values: string[]): readonly Field[] => [parent, ...values.map(value => ['tracestate', value] as const)];
const members = (count: number) => Array.from({length: count}, (_, index) => `bar${String(index + 1).padStart(2, '0')}=1`);
const keyCharacters = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/';
const valueCharacters = Array.from({length: 0x7f - 0x20}, (_, index) => String.fromCharCode(0x20 + index)).filter(
  character => character !== ',' && character !== '=',
);

const cases: readonly Case[] = [
  ['no field at all', [], 'new'],
  ['a traceparent', [parent], 'same'],
  ['two traceparents', [['traceparent', valid.replace('9012-', '9011-')], parent], 'new'],
  ['the same traceparent twice', [parent, parent], 'new'],
  ['the name trace-parent', [['trace-parent', valid]], 'new'],
  ['the name trace.parent', [['trace.parent', valid]], 'new'],
  ['the name TraceParent', [['TraceParent', valid]], 'same'],
  ['the name TrAcEpArEnT', [['TrAcEpArEnT', valid]], 'same'],
  ['the name TRACEPARENT', [['TRACEPARENT', valid]], 'same'],
  ['version 00 with a dot behind it', [['traceparent', `${valid}.`]], 'new'],
  ['version 00 with more fields', [['traceparent', `${valid}-what-the-future-will-be-like`]], 'new'],
  ['a later version', [['traceparent', `cc${valid.slice(2)}`]], 'same'],
  ['a later version with more fields', [['traceparent', `cc${valid.slice(2)}-what-the-future-will-be-like`]], 'same'],
  ['a later version with something else behind it', [['traceparent', `cc${valid.slice(2)}.what-the-future-will-be-like`]], 'new'],
  ['version ff', [['traceparent', `ff${valid.slice(2)}`]], 'new'],
  ['version .0', [['traceparent', `.0${valid.slice(2)}`]], 'new'],
  ['version 0.', [['traceparent', `0.${valid.slice(2)}`]], 'new'],
  ['version 000', [['traceparent', `0${valid}`]], 'new'],
  ['version 0000', [['traceparent', `00${valid}`]], 'new'],
  ['version 0', [['traceparent', valid.slice(1)]], 'new'],
  ['upper case', [['traceparent', `00-${'A'.repeat(32)}-${parentId}-01`]], 'new'],
  ['a trace id of zeros', [['traceparent', `00-${'0'.repeat(32)}-${parentId}-01`]], 'new'],
  ['a trace id with a dot first', [['traceparent', `00-.${traceId.slice(1)}-${parentId}-01`]], 'new'],
  ['a trace id with a dot last', [['traceparent', `00-${traceId.slice(1)}.-${parentId}-01`]], 'new'],
  ['a trace id that is too long', [['traceparent', `00-${traceId}3-${parentId}-01`]], 'new'],
  ['a trace id that is too short', [['traceparent', `00-${traceId.slice(1)}-${parentId}-01`]], 'new'],
  ['a parent id of zeros', [['traceparent', `00-${traceId}-${'0'.repeat(16)}-01`]], 'new'],
  ['a parent id with a dot first', [['traceparent', `00-${traceId}-.${parentId.slice(1)}-01`]], 'new'],
  ['a parent id with a dot last', [['traceparent', `00-${traceId}-${parentId.slice(1)}.-01`]], 'new'],
  ['a parent id that is too long', [['traceparent', `00-${traceId}-${parentId}7-01`]], 'new'],
  ['a parent id that is too short', [['traceparent', `00-${traceId}-${parentId.slice(1)}-01`]], 'new'],
  ['flags .0', [['traceparent', `00-${traceId}-${parentId}-.0`]], 'new'],
  ['flags 0.', [['traceparent', `00-${traceId}-${parentId}-0.`]], 'new'],
  ['flags 001', [['traceparent', `00-${traceId}-${parentId}-001`]], 'new'],
  ['flags 1', [['traceparent', `00-${traceId}-${parentId}-1`]], 'new'],
  ['flags not sampled', [['traceparent', `00-${traceId}-${parentId}-00`]], 'same'],
  ['a space before the traceparent', [['traceparent', ` ${valid}`]], 'same'],
  ['a tab before the traceparent', [['traceparent', `\t${valid}`]], 'same'],
  ['a space behind the traceparent', [['traceparent', `${valid} `]], 'same'],
  ['a tab behind the traceparent', [['traceparent', `${valid}\t`]], 'same'],
  ['white space around the traceparent', [['traceparent', `\t ${valid} \t`]], 'same'],

  ['a tracestate without traceparent', [['tracestate', 'foo=1,bar=2']], 'new'],
  [
    'a tracestate with a traceparent that is none',
    [
      ['traceparent', 'none'],
      ['tracestate', 'foo=1'],
    ],
    'new',
  ],
  ['both', states('foo=1,bar=2'), 'same', 'foo=1,bar=2'],
  ['the name trace-state', [parent, ['trace-state', 'foo=1']], 'same'],
  ['the name trace.state', [parent, ['trace.state', 'foo=1']], 'same'],
  ['the name TraceState', [parent, ['TraceState', 'foo=1']], 'same', 'foo=1'],
  ['the name TrAcEsTaTe', [parent, ['TrAcEsTaTe', 'foo=1']], 'same', 'foo=1'],
  ['the name TRACESTATE', [parent, ['TRACESTATE', 'foo=1']], 'same', 'foo=1'],
  ['an empty tracestate', states(''), 'same'],
  ['an empty tracestate behind another', states('foo=1', ''), 'same', 'foo=1'],
  ['an empty tracestate before another', states('', 'foo=1'), 'same', 'foo=1'],
  ['empty members', states('foo=1,,bar=2, ,'), 'same', 'foo=1,bar=2'],
  ['several tracestates', states('foo=1,bar=2', 'rojo=1,congo=2', 'baz=3'), 'same', 'foo=1,bar=2,rojo=1,congo=2,baz=3'],
  ['a member twice', states('foo=1,foo=1'), 'same', 'foo=1'],
  ['a key twice', states('foo=1,foo=2,bar=3,foo=4'), 'same', 'foo=1,bar=3'],
  ['a member in two tracestates', states('foo=1', 'foo=1'), 'same', 'foo=1'],
  ['a key in two tracestates', states('foo=1', 'foo=2'), 'same', 'foo=1'],
  ['a key twice, once with a value that is not allowed', states('foo=1,foo=a=b'), 'same'],
  [
    'every character of keys and values',
    states(`${keyCharacters}=${valueCharacters.join('')}`),
    'same',
    `${keyCharacters}=${valueCharacters.join('')}`,
  ],
  [
    'every character of a tenant’s key',
    states(`${keyCharacters}@a-z0-9_-*/=${valueCharacters.join('')}`),
    'same',
    `${keyCharacters}@a-z0-9_-*/=${valueCharacters.join('')}`,
  ],
  ['spaces around members', states('foo=1 \t , \t bar=2, \t baz=3'), 'same', 'foo=1,bar=2,baz=3'],
  ['tabs around members', states('foo=1\t \t,\t \tbar=2,\t \tbaz=3'), 'same', 'foo=1,bar=2,baz=3'],
  ['a space before the tracestate', states(' foo=1'), 'same', 'foo=1'],
  ['a tab before the tracestate', states('\tfoo=1'), 'same', 'foo=1'],
  ['a space behind the tracestate', states('foo=1 '), 'same', 'foo=1'],
  ['a tab behind the tracestate', states('foo=1\t'), 'same', 'foo=1'],
  ['white space around the tracestate', states('\t foo=1 \t'), 'same', 'foo=1'],
  ['a key with a space', states('foo =1'), 'same'],
  ['a key in upper case', states('FOO=1'), 'same'],
  ['a key with a dot', states('foo.bar=1'), 'same'],
  ['a key that ends in @', states('foo@=1,bar=2'), 'same', 'foo@=1,bar=2'],
  ['a key that begins with @', states('@foo=1,bar=2'), 'same'],
  ['a key with @@', states('foo@@bar=1,bar=2'), 'same', 'foo@@bar=1,bar=2'],
  ['a key with two @', states('foo@bar@baz=1,bar=2'), 'same', 'foo@bar@baz=1,bar=2'],
  ['a key that begins with a digit', states('1a=1,2=2'), 'same', '1a=1,2=2'],
  ['32 members', states(members(10).join(), members(20).slice(10).join(), members(32).slice(20).join()), 'same', members(32).join()],
  ['33 members', states(members(10).join(), members(33).slice(10).join()), 'same'],
  ['a key of 256 characters', states('foo=1', `${'z'.repeat(256)}=1`), 'same', `foo=1,${'z'.repeat(256)}=1`],
  ['a key of 257 characters', states('foo=1', `${'z'.repeat(257)}=1`), 'same'],
  [
    'the longest tenant and system',
    states('foo=1', `${'t'.repeat(241)}@${'v'.repeat(14)}=1`),
    'same',
    `foo=1,${'t'.repeat(241)}@${'v'.repeat(14)}=1`,
  ],
  ['a tenant of 242 characters', states('foo=1', `${'t'.repeat(242)}@v=1`), 'same', `foo=1,${'t'.repeat(242)}@v=1`],
  ['a system of 15 characters', states('foo=1', `t@${'v'.repeat(15)}=1`), 'same', `foo=1,t@${'v'.repeat(15)}=1`],
  ['257 characters with an @', states('foo=1', `${'t'.repeat(255)}@v=1`), 'same'],
  ['a value with =', states('foo=bar=baz'), 'same'],
  ['a member without value', states('foo=,bar=3'), 'same'],
  ['a member without =', states('foo,bar=3'), 'same'],
  ['512 characters', states(`foo=${'x'.repeat(250)}`, `bar=${'y'.repeat(253)}`), 'same', `foo=${'x'.repeat(250)},bar=${'y'.repeat(253)}`],
  ['513 characters', states(`foo=${'x'.repeat(251)}`, `bar=${'y'.repeat(253)}`), 'same', `foo=${'x'.repeat(251)}`],
];

interface Called {
  readonly url: string;
  /** The head of each call that came for this number, in any order. */
  calls(number: number): readonly IncomingHttpHeaders[];
}

let called: Called;
let receiver: Awaited<ReturnType<typeof openReceiver>>;
const servers: http.Server[] = [];

test.before(async () => {
  const heads = new Map<string, IncomingHttpHeaders[]>();
  const server = http.createServer((request, response) => {
    const key = request.url ?? '';
    heads.set(key, [...(heads.get(key) ?? []), request.headers]);
    request.resume();
    response.end();
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  called = {url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: number => heads.get(`/${number}`) ?? []};
  receiver = await openReceiver();
});
test.after.always(() => {
  receiver.close();
  for (const server of servers) server.close();
});

let forwarded = 0;

/** What the function was told, and what `count` calls of it carried. */
async function forward(core: RunningCore, fields: readonly Field[], count = 1) {
  const number = forwarded++;
  const body = JSON.stringify(Array.from({length: count}, () => `${called.url}/${number}`));
  const answer = await ask(core.url, {method: 'POST', headers: fields.flat(), body});
  if (answer.status !== 200) throw new Error(answer.text());
  return {told: answer.json() as {traceparent?: string; tracestate?: string}, calls: called.calls(number)};
}

const wellFormed = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

for (const [language, handler] of [
  ['Node', 'test/fixtures/functions/core/forwards.cjs'],
  ['Python', 'test/fixtures/functions/python/forwards.py'],
] as const) {
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile(handler)};

  test(`${language}, tracing on: the function’s calls carry what the standard asks for`, async t => {
    const core = await startCore({...env, ...receiver.env}, t);
    for (const [title, fields, trace, state] of cases) {
      const {told, calls} = await forward(core, fields);
      const {traceparent = '', tracestate} = calls[0] ?? {};
      t.regex(String(traceparent), wellFormed, title);
      t.is(String(traceparent).includes(`-${traceId}-`), trace === 'same', title);
      t.false(String(traceparent).includes(`-${parentId}-`), title);
      t.is(tracestate, state, title);
      t.regex(told.traceparent ?? '', wellFormed, title);
      t.false(told.traceparent?.includes(`-${parentId}-`), title);
    }
    // Several calls of one invocation are siblings: one trace, a span each.
    for (const [fields, trace] of [
      [[parent], 'same'],
      [[], 'new'],
      [[['traceparent', `00-${'0'.repeat(32)}-${parentId}-01`]], 'new'],
    ] as const) {
      const {calls} = await forward(core, fields, 3);
      const sent = calls.map(({traceparent}) => String(traceparent));
      t.is(new Set(sent).size, 3);
      t.is(new Set(sent.map(each => each.slice(0, 36))).size, 1);
      for (const each of sent) t.regex(each, wellFormed);
      for (const each of sent) t.is(each.startsWith(`00-${traceId}-`), trace === 'same');
    }
    // Of the flags the two that are defined are kept, others are not; an id of ours is random, and says so.
    for (const [given, expected] of [
      ['00', '00'],
      ['01', '01'],
      ['02', '02'],
      ['03', '03'],
      ['fc', '00'],
      ['ff', '03'],
      [undefined, '03'],
    ] as const) {
      const {told} = await forward(core, given === undefined ? [] : [['traceparent', valid.replace(/01$/, given)]]);
      t.is(told.traceparent?.slice(-2), expected, given);
    }
  });

  test(`${language}, tracing off: a valid context is passed on as it came, any other is not`, async t => {
    const core = await startCore(env, t);
    for (const [title, fields, trace, state] of cases) {
      const {told, calls} = await forward(core, fields);
      const given = fields.find(([name]) => name.toLowerCase() === 'traceparent')?.[1].trim();
      t.deepEqual(told, trace === 'new' ? {} : {traceparent: given, ...(state !== undefined && {tracestate: state})}, title);
      t.is(calls[0]?.traceparent?.slice(0, 36), trace === 'new' ? undefined : `00-${traceId}-`, title);
      t.is(calls[0]?.tracestate, state, title);
    }
  });
}
