import test from 'ava';
import {readEvent} from '../src/journals/cloud-event.ts';

const fact = {
  specversion: '1.0',
  id: 'a/1',
  source: 'core-runtime',
  type: 'schedule.fired',
  subject: 'schedule.a.2026-01-01T12:00:00Z',
  time: '2026-01-01T12:00:00.123Z',
  data: {name: 'a', occurrence: '2026-01-01T12:00:00Z', cron: '* * * * *', timezone: 'UTC', invocationId: 'i', attempt: 1, core: 'c'},
};
const payload = {specversion: '1.0', id: 'invocation.i/request', type: 'payload.kept', data_base64: 'eA=='};
const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`);
const without = (member: string) => ({...fact, data: Object.fromEntries(Object.entries(fact.data).filter(([name]) => name !== member))});

const refusals: [title: string, event: unknown, message: RegExp][] = [
  ['a number', 1, /^expected a CloudEvent 1\.0, got none$/],
  ['null', null, /CloudEvent 1/],
  ['a list', [fact], /CloudEvent 1/],
  ['another version', {...fact, specversion: '0.3'}, /CloudEvent 1\.0, got "0\.3"$/],
  ['no id', {...fact, id: undefined}, /expected id to be .*, got none$/],
  ['an id that is a number', {...fact, id: 7}, /expected id to be .*, got 7$/],
  ['a type that is none', {...fact, type: 'Fired'}, /^expected a type such as invocation\.settled, got "Fired"$/],
  ['a type that is a list', {...fact, type: ['schedule.fired']}, /type such as .* got a list$/],
  ['no subject', {...fact, subject: undefined}, /^expected subject to be the name of a stream, got none$/],
  ['an empty subject', {...fact, subject: ''}, /subject/],
  ['ESC in the subject', {...fact, subject: 'a\x1b[31m'}, /subject .*, got "a\\u001b\[31m"$/],
  ['a newline in the subject', {...fact, subject: 'a\nb'}, /subject/],
  ['a subject without end', {...fact, subject: 'a'.repeat(2000)}, /subject .*a…$/],
  ['no time', {...fact, time: undefined}, /^expected time to be such as .*, got none$/],
  ['a time without offset', {...fact, time: '2026-01-01'}, /time/],
  ['a time that is a number', {...fact, time: 1}, /time .* got 1$/],
  ['a day that is none', {...fact, time: '2026-02-40T00:00:00Z'}, /time/],
  ['no data', {...fact, data: undefined}, /^expected data to be an object, got none$/],
  ['data that is a list', {...fact, data: []}, /data .* got a list$/],
  ['data without a member', without('cron'), /^expected cron of schedule\.fired to be text, got none$/],
  ['a member of the prototype', without('constructor') && {...fact, data: Object.create(fact.data)}, /name of schedule\.fired/],
  ['an occurrence that is no time', {...fact, data: {...fact.data, occurrence: 'soon'}}, /occurrence .* time such as .* got "soon"$/],
  ['an attempt that is text', {...fact, data: {...fact.data, attempt: '1'}}, /attempt .* whole number from 0 on, got "1"$/],
  ['an attempt below nought', {...fact, data: {...fact.data, attempt: -1}}, /attempt/],
  ['ESC in a name', {...fact, data: {...fact.data, name: '\x1b]0;x\x07'}}, /name .* without control characters/],
  ['C1 controls in a name', {...fact, data: {...fact.data, name: '\x9b31m'}}, /name/],
  ['what is only true or absent', {...fact, data: {...fact.data, manual: 'yes'}}, /manual .* to be true, got "yes"$/],
  ['data of a thousand levels', {...fact, type: 'a.later', data: {deep}}, /^expected data of at most 100 levels$/],
  ['a payload without bytes', {...payload, data_base64: undefined}, /payload to have data_base64, got none$/],
  ['a payload that is no base64', {...payload, data_base64: '*'}, /data_base64/],
];
for (const [title, event, message] of refusals) {
  test(`refused in one sentence: ${title}`, t => {
    const error = t.throws(() => readEvent(JSON.stringify(event) ?? ''), {instanceOf: TypeError, message});
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
    t.notRegex(error?.message ?? '', /[\x00-\x1f\x7f-\x9f]/);
  });
}

test('text that is not JSON is refused with its beginning', t => {
  t.throws(() => readEvent('{"a'), {message: 'expected a CloudEvent as JSON, got "{\\"a"'});
  t.throws(() => readEvent('[1e999'), {instanceOf: TypeError});
});

test('a number past every bound is refused', t => {
  const line = JSON.stringify({...fact, type: 'retry.scheduled', data: {attempt: 1, afterMs: 1}}).replace('"afterMs":1', '"afterMs":1e999');
  t.throws(() => readEvent(line), {message: /afterMs/});
});

test('what is well is taken: facts, payloads, free text with colours, types of a later version, members of a later version', t => {
  t.like(readEvent(JSON.stringify(fact)), {stream: fact.subject, at: Date.parse(fact.time)});
  t.deepEqual(readEvent(JSON.stringify(payload)), {payload: {name: payload.id, bytes: Buffer.from('x')}});
  const exited = {code: null, signal: 'SIGKILL', reason: 'signal', upMs: 1.5, error: '\x1b[31mboom\x1b[0m\n\u2028', pid: 7};
  t.like(readEvent(JSON.stringify({...fact, type: 'runtime.exited', data: exited})), {fact: {data: exited}});
  t.like(readEvent(JSON.stringify({...fact, type: 'a.later', data: {any: ['\x1b']}})), {fact: {type: 'a.later'}});
  t.like(readEvent(JSON.stringify({...fact, data: {...fact.data, more: 1}})), {fact: {data: {more: 1}}});
  const cron = '*/5\t* * * *\n'; // as a schedule may be written
  t.like(readEvent(JSON.stringify({...fact, data: {...fact.data, cron}})), {fact: {data: {cron}}});
});
