import test from 'ava';
import {prefersOpenMetrics, writeOpenMetrics} from '../../src/observe/metrics/open-metrics.ts';

for (const [accept, expected] of [
  ['', false],
  ['*/*', false],
  ['text/plain', false],
  ['text/plain;version=0.0.4, application/openmetrics-text;q=0.5', false],
  ['application/openmetrics-text;q=0', false],
  ['application/openmetrics-text;q=x', false],
  ['application/openmetrics-text', true],
  ['text/plain;q=0.5,application/OpenMetrics-Text; version=1.0.0', true],
  // What Prometheus 2 and 3 send.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    true,
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1',
    true,
  ],
] as const) {
  test(`${accept || 'no Accept'} gets ${expected ? 'OpenMetrics' : 'plain text'}`, t => {
    t.is(prefersOpenMetrics(accept), expected);
  });
}

test('a counter’s family loses its suffix, its samples keep it, and text is escaped', t => {
  const family = {
    name: 'a_total',
    help: 'One\nline "quoted" \\ here',
    type: 'counter',
    aggregator: 'sum',
    values: [{labels: {code: 'a"b\\c\nd'}, value: 2}],
  };
  t.is(
    writeOpenMetrics([family], () => undefined),
    '# HELP a One\\nline \\"quoted\\" \\\\ here\n# TYPE a counter\na_total{code="a\\"b\\\\c\\nd"} 2\n# EOF\n',
  );
});

test('an exemplar stands behind its sample, with the time in seconds', t => {
  const values = [
    {metricName: 's_bucket', labels: {le: 1}, value: 1},
    {metricName: 's_bucket', labels: {le: '+Inf'}, value: 2},
    {metricName: 's_count', labels: {}, value: 2},
  ];
  const written = writeOpenMetrics([{name: 's', help: 'h', type: 'histogram', aggregator: 'sum', values}], ({labels}) =>
    labels.le === 1 ? {traceId: 'abc', value: 0.5, at: 1_700_000_000_250} : undefined,
  );
  t.deepEqual(written.split('\n').slice(2), [
    's_bucket{le="1"} 1 # {trace_id="abc"} 0.5 1700000000.25',
    's_bucket{le="+Inf"} 2',
    's_count 2',
    '# EOF',
    '',
  ]);
});
