import test from 'ava';
import {processOf} from '../helpers/metrics.ts';

test('the metrics of several processes are added up, unless the metric says otherwise', async t => {
  const [first, second] = [processOf({keySetAge: 5}), processOf({keySetAge: 9})];
  first.meter.requestEnded('GET', 200, 0.02);
  second.meter.requestEnded('GET', 200, 0.02);
  const leader = processOf({keySetAge: 7, others: [await first.families(), await second.families()]});
  leader.meter.requestEnded('GET', 200, 0.003);
  const {body} = await leader.scrape('');
  for (const line of [
    'http_requests_total{code="200",method="GET"} 3',
    'http_request_duration_seconds_bucket{le="0.005"} 1',
    'http_request_duration_seconds_bucket{le="+Inf"} 3',
    'core_runtime_up 6',
    'core_runtime_processes{place="1"} 6',
    // Every process says the same.
    'core_processes_up 3',
    'core_journal_durable 1',
    `core_build_info{version="1.2.3",node="${process.version}"} 1`,
    // The oldest of several key sets keeps callers waiting.
    'core_key_set_age_seconds 9',
    'core_function_info{version="7",language="node"} 1',
  ]) {
    t.true(body.split('\n').includes(line), line);
  }
});

test('the sum of several processes has the metrics of one, with the same help and types', async t => {
  const alone = await processOf().scrape('');
  const led = await processOf({others: [await processOf().families()]}).scrape('');
  const heads = (body: string) => body.split('\n').filter(line => line.startsWith('#'));
  t.true(heads(alone.body).length > 60);
  t.deepEqual(heads(led.body), heads(alone.body));
});

for (const accept of ['text/plain', 'application/openmetrics-text']) {
  test(`without a name of the function no sample has the label function: ${accept}`, async t => {
    const metrics = processOf();
    t.notRegex((await metrics.scrape(accept)).body, /function=/);
  });

  test(`every sample has the name of the function, alone and as a sum: ${accept}`, async t => {
    const functionName = 'a "quoted" name';
    const alone = processOf({functionName});
    const led = processOf({functionName, others: [await processOf({functionName}).families()]});
    for (const metrics of [alone, led]) {
      metrics.meter.requestEnded('GET', 200, 0.02);
      const {body} = await metrics.scrape(accept);
      const samples = body.split('\n').filter(line => line !== '' && !line.startsWith('#'));
      t.true(samples.length > 100);
      t.deepEqual(
        samples.filter(line => line.split('function="a \\"quoted\\" name"').length !== 2),
        [],
      );
      t.true(samples.includes('http_requests_total{function="a \\"quoted\\" name",code="200",method="GET"} 1'));
      t.true(samples.includes('http_requests_in_flight{function="a \\"quoted\\" name"} -1'));
      t.true(samples.includes('core_function_info{function="a \\"quoted\\" name",version="7",language="node"} 1'));
    }
  });
}

test('exemplars stand in OpenMetrics only, at the bucket of their sample', async t => {
  const metrics = processOf();
  metrics.meter.requestEnded('GET', 200, 0.02, 'request-trace');
  metrics.meter.invocationEnded('cron', 'ok', 0.3, 'tick-trace');
  const open = await metrics.scrape('application/openmetrics-text');
  t.regex(open.body, /^http_request_duration_seconds_bucket\{le="0.025"\} 1 # \{trace_id="request-trace"\} 0.02 /m);
  t.regex(open.body, /^faas_invoke_duration_seconds_bucket\{le="0.5",trigger="cron"\} 1 # \{trace_id="tick-trace"\} 0.3 /m);
  t.is(open.body.match(/trace_id/g)?.length, 2);
  t.notRegex((await metrics.scrape('')).body, /trace_id/);
});
