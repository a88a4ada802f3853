import test from 'ava';
import type {FunctionLine} from '../../src/log.ts';
import {hearBridge, isLogRecord, type LoadReport} from '../../src/workers/output/report.ts';

function hear(line: string) {
  const heard: (LoadReport | FunctionLine | {settled: string} | {dropped: number})[] = [];
  hearBridge(line, {
    report: report => void heard.push(report),
    line: log => void heard.push(log),
    settled: settled => void heard.push({settled}),
    dropped: dropped => void heard.push({dropped}),
  });
  return heard;
}

test('a record that is neither a report nor a line is skipped', t => {
  const others = [
    '',
    'hello',
    '{',
    'null',
    '7',
    '"loaded"',
    '[]',
    '{}',
    '{"loaded":"true"}',
    '{"loaded":1}',
    '{"log":null}',
    '{"log":"text"}',
    '{"dropped":"7"}',
    '{"dropped":0}',
    '{"dropped":-1}',
    '{"dropped":1.5}',
    '{"dropped":1e999}',
    '{"settled":7}',
    '{"settled":null}',
  ];
  const lines = [
    '{"log":{"stream":"stdin","line":"x"}}',
    '{"log":{"line":"x"}}',
    '{"log":{"stream":"stdout","line":7}}',
    '{"log":{"stream":"stdout"}}',
  ];
  for (const line of [...others, ...lines]) t.deepEqual(hear(line), [], line);
});

test('a handler that could not be loaded is reported with its cause', t => {
  t.deepEqual(hear('{"loaded":false,"error":"SyntaxError: x"}'), [{loaded: false, error: 'SyntaxError: x'}]);
  t.deepEqual(hear('{"loaded":false}'), [{loaded: false, error: 'the bridge gave no cause'}]);
  t.deepEqual(hear('{"loaded":false,"error":7}'), [{loaded: false, error: 'the bridge gave no cause'}]);
});

test('a loaded handler has no cause, and the bridge may say what runs it', t => {
  t.deepEqual(hear('{"loaded":true}'), [{loaded: true}]);
  t.deepEqual(hear('{"loaded":true,"error":"ignored","runtime":"Node.js 26.1.0"}'), [{loaded: true, runtime: 'Node.js 26.1.0'}]);
  t.deepEqual(hear('{"loaded":true,"runtime":7}'), [{loaded: true}]);
});

test('a bridge may be on the channel, and say how many calls it takes at a time', t => {
  t.deepEqual(hear('{"loaded":true,"calls":1,"concurrency":100}'), [{loaded: true, isOnChannel: true, concurrency: 100}]);
  t.deepEqual(hear('{"loaded":false,"error":"e","calls":1}'), [{loaded: false, error: 'e', isOnChannel: true}]);
  for (const calls of ['0', '2', 'true', '"1"', 'null']) t.deepEqual(hear(`{"loaded":true,"calls":${calls}}`), [{loaded: true}]);
  for (const most of ['0', '-1', '1.5', '1001', '"9"']) t.deepEqual(hear(`{"loaded":true,"concurrency":${most}}`), [{loaded: true}]);
});

test('a bridge may say that it does not answer PING while a handler runs', t => {
  t.deepEqual(hear('{"loaded":true,"calls":1,"answersPing":false}'), [{loaded: true, isOnChannel: true, answersPing: false}]);
  for (const answers of ['true', '0', '"false"', 'null'])
    t.deepEqual(hear(`{"loaded":true,"answersPing":${answers}}`), [{loaded: true}], 'it is asked');
});

test('a tagged line of output is handed on with its tags', t => {
  t.deepEqual(hear('{"log":{"stream":"stderr","line":"x","invocationId":"i","traceId":"t"}}'), [
    {stream: 'stderr', line: 'x', invocationId: 'i', traceId: 't'},
  ]);
  t.deepEqual(hear('{"log":{"stream":"stdout","line":""}}'), [{stream: 'stdout', line: ''}]);
});

test('the function cannot put fields of its own into the log', t => {
  const log = {stream: 'stdout', line: 'x', invocationId: {a: 1}, traceId: 7, level: 'fatal', source: 'core', time: 0};
  t.deepEqual(hear(JSON.stringify({log})), [{stream: 'stdout', line: 'x'}]);
});

test('a call whose connection was closed is settled by its id', t => {
  t.deepEqual(hear('{"settled":"id-1"}'), [{settled: 'id-1'}]);
});

test('a line of output is known without parsing it', t => {
  for (const line of ['{"log":{}}', '{ "log": {"stream":"stdout"', ' {"log"']) t.true(isLogRecord(line), line);
  for (const line of ['{"loaded":true}', '{"settled":"log"}', 'log', '', '[{"log":1}]']) t.false(isLogRecord(line), line);
});

test('a bridge says how many lines it did not write', t => {
  t.deepEqual(hear('{"dropped":7674}'), [{dropped: 7674}]);
});

test('an error that was thrown has a level and a stack; any other level is none', t => {
  const heard: unknown[] = [];
  const hear = (log: object) =>
    hearBridge(JSON.stringify({log}), {report() {}, settled() {}, dropped() {}, line: line => void heard.push(line)});
  hear({stream: 'stderr', level: 'error', invocationId: 'i', line: 'Error: no luck', stack: 'Error: no luck\n    at f'});
  hear({stream: 'stderr', level: 'error', line: 'error: no luck', stack: 7});
  hear({stream: 'stdout', level: 'fatal', line: 'a line', stack: 'a stack'});
  t.deepEqual(heard, [
    {stream: 'stderr', line: 'Error: no luck', level: 'error', stack: 'Error: no luck\n    at f', invocationId: 'i'},
    {stream: 'stderr', line: 'error: no luck', level: 'error'},
    {stream: 'stdout', line: 'a line'},
  ]);
});
