import test from 'ava';
import type {Observation} from '../../src/observation.ts';
import {observedLog} from '../../src/observe/observed-log.ts';
import {ManualClock} from '../helpers/clock.ts';

function open(level: string) {
  const seen: Observation[] = [];
  return {seen, log: observedLog(level, each => void seen.push(each), new ManualClock(7))};
}

test('records below the level are not reported, and none after the end', t => {
  const {seen, log} = open('warn');
  log.info({}, 'no');
  log.function({stream: 'stdout', line: 'no'});
  log.warn({a: 1}, 'yes');
  log.of('library').debug({}, 'its level is its own');
  log.abandon();
  log.error({}, 'too late');
  t.deepEqual(seen, [
    {type: 'log', at: 7, level: 'warn', fields: {a: 1}, message: 'yes'},
    {type: 'log', at: 7, level: 'debug', fields: {}, message: 'its level is its own'},
  ]);
});

test('a record of a process beside this one is read', t => {
  const {seen, log} = open('info');
  log.pass('{"level":"error","time":"x","source":"function","stream":"stderr","stack":"Error: a","invocationId":"i","msg":"a"}');
  log.pass('{"level":"warn","time":"x","code":"POOL_BUSY","msg":"busy"}');
  log.pass('torn {');
  t.deepEqual(seen, [
    {type: 'line', at: 7, line: {stream: 'stderr', line: 'a', level: 'error', stack: 'Error: a', invocationId: 'i'}},
    {type: 'log', at: 7, level: 'warn', fields: {code: 'POOL_BUSY'}, message: 'busy'},
    {type: 'log', at: 7, level: 'info', fields: {}, message: 'torn {'},
  ]);
});
