import test from 'ava';
import type {Family} from '../../src/observe/metrics/open-metrics.ts';
import {countersOf, sumFamilies} from '../../src/observe/metrics/sum.ts';

const counter = (name: string, values: Family['values']): Family => ({name, help: name, type: 'counter', aggregator: 'sum', values});

test('nothing is the sum of nothing', t => {
  t.deepEqual(sumFamilies([]), []);
  t.deepEqual(sumFamilies([[], []]), []);
});

test('samples of the same name and labels are added up, others stand beside each other', t => {
  const one = counter('a_total', [
    {labels: {code: '200'}, value: 3},
    {labels: {code: '500'}, value: 1},
  ]);
  const two = counter('a_total', [
    {labels: {code: '200'}, value: 4},
    {labels: {code: '404'}, value: 2},
  ]);
  t.deepEqual(sumFamilies([[one], [two, counter('b_total', [{labels: {}, value: 1}])]]), [
    counter('a_total', [
      {labels: {code: '200'}, value: 7},
      {labels: {code: '500'}, value: 1},
      {labels: {code: '404'}, value: 2},
    ]),
    counter('b_total', [{labels: {}, value: 1}]),
  ]);
});

test('the parts of a histogram are kept apart', t => {
  const histogram = (bucket: number, sum: number): Family => ({
    name: 'h',
    help: 'h',
    type: 'histogram',
    aggregator: 'sum',
    values: [
      {metricName: 'h_bucket', labels: {le: 1}, value: bucket},
      {metricName: 'h_bucket', labels: {le: '+Inf'}, value: bucket},
      {metricName: 'h_sum', labels: {}, value: sum},
      {metricName: 'h_count', labels: {}, value: bucket},
    ],
  });
  t.deepEqual(sumFamilies([[histogram(1, 0.5)], [histogram(2, 0.25)]]), [histogram(3, 0.75)]);
});

test('what every process reports in the same way is reported once', t => {
  const info: Family = {
    name: 'core_build_info',
    help: 'i',
    type: 'gauge',
    aggregator: 'first',
    values: [{labels: {version: '1'}, value: 1}],
  };
  t.deepEqual(sumFamilies([[info], [info]]), [info]);
});

test('only the counters of a process that is gone are left', t => {
  const gauge: Family = {name: 'up', help: '', type: 'gauge', aggregator: 'sum', values: [{labels: {}, value: 1}]};
  const histogram: Family = {
    name: 'h',
    help: '',
    type: 'histogram',
    aggregator: 'sum',
    values: [{metricName: 'h_sum', labels: {}, value: 2}],
  };
  const count = counter('a_total', [{labels: {}, value: 3}]);
  t.deepEqual(countersOf([gauge, histogram, count]), [histogram, count]);
});

test('of the ages of key sets the largest counts', t => {
  const age = (value: number): Family => ({
    name: 'core_key_set_age_seconds',
    help: 'a',
    type: 'gauge',
    aggregator: 'max',
    values: [{labels: {}, value}],
  });
  t.deepEqual(sumFamilies([[age(3)], [age(7)], [age(5)]]), [age(7)]);
});
