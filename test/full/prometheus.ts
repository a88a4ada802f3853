import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parse, stringify} from 'yaml';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';
import {signalTo} from '../helpers/process.ts';
import {ask} from '../helpers/request.ts';
import {metric, siblingsOf} from '../helpers/supervision.ts';

// What Prometheus itself makes of our metrics, alerts and dashboard.

const isInstalled = ['prometheus', 'promtool'].every(program => spawnSync(program, ['--version']).status === 0);
const withPrometheus = isInstalled ? test : test.skip;
const missing = isInstalled ? '' : ': PATH has no prometheus and promtool';

const promtool = (args: readonly string[], input?: string) => execFileSync('promtool', args, {input, encoding: 'utf8', stdio: 'pipe'});

const mirror = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/mirror')};
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

interface Rule {
  readonly alert: string;
}
interface AlertTest {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

withPrometheus(`the alerts are rules that Prometheus takes${missing}`, t => {
  t.regex(promtool(['check', 'rules', projectFile('deploy/alerts.yml')]), /SUCCESS: \d+ rules found/);
});

withPrometheus(`every alert fires on what it is for, and only on that${missing}`, async t => {
  const file = projectFile('test/fixtures/alerts.test.yml');
  const {tests} = parse(await readFile(file, 'utf8'));
  const {groups} = parse(await readFile(projectFile('deploy/alerts.yml'), 'utf8'));
  const fired = tests.flatMap(({alert_rule_test}: {alert_rule_test: AlertTest[]}) =>
    alert_rule_test.filter(({exp_alerts}) => exp_alerts.length > 0).map(({alertname}) => alertname),
  );
  t.deepEqual(
    groups.flatMap(({rules}: {rules: Rule[]}) => rules.map(({alert}) => alert)).filter((alert: string) => !fired.includes(alert)),
    [],
  );
  t.notThrows(() => promtool(['test', 'rules', file]));
});

withPrometheus(`an alert names the one of two functions that it is about, and keeps the labels of the target${missing}`, async t => {
  const file = projectFile('test/fixtures/alerts-two-functions.test.yml');
  const {tests} = parse(await readFile(file, 'utf8'));
  const tested = tests[0].alert_rule_test.map(({alertname}: AlertTest) => alertname);
  const {groups} = parse(await readFile(projectFile('deploy/alerts.yml'), 'utf8'));
  const alerts = groups.flatMap(({rules}: {rules: Rule[]}) => rules.map(({alert}) => alert));
  t.deepEqual(
    alerts.filter((alert: string) => !tested.includes(alert)),
    ['CollectorUnreachable'], // not a function's
  );
  t.notThrows(() => promtool(['test', 'rules', file]));
});

withPrometheus(`the metrics follow the rules of naming${missing}`, async t => {
  const core = await startCore(mirror, t);
  await load(core);
  t.is(promtool(['check', 'metrics'], (await ask(`${core.adminUrl}/metrics`)).text()), '');
});

withPrometheus(`Prometheus scrapes a core, every panel of the dashboard has data, and a bucket leads to its trace${missing}`, async t => {
  const core = await startCore({...mirror, SCW_APPLICATION_NAME: 'hello'}, t);
  const prometheus = await startPrometheus(t, {'core-runtime': core.adminUrl});
  const {panels} = JSON.parse(await readFile(projectFile('deploy/grafana/dashboards/core-runtime.json'), 'utf8'));
  const queries = panels.flatMap(({title, targets}: {title: string; targets: {expr: string}[]}) =>
    targets.map(({expr}) => ({
      title,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('"$instance"', '".+"').replaceAll('"$function"', '"hello"'),
    })),
  );
  t.true(queries.length > 15);
  while (!(await prometheus.query('up')).some(([, value]) => value === '1')); // what came before the first scrape is no increase
  for (const {title, expr} of queries) {
    t.log(title);
    // A rate needs two scrapes with something between them.
    while ((await prometheus.query(expr)).every(([, value]) => value === 'NaN')) await load(core);
  }
  t.deepEqual(await prometheus.query('up'), [['core-runtime', '1']]);
  t.deepEqual(
    (await prometheus.query('core_conservation_drift')).map(([, value]) => value),
    ['0'],
  );
  t.true((await prometheus.exemplars('http_request_duration_seconds_bucket')).includes(traceId));
  t.true((await prometheus.exemplars('faas_invoke_duration_seconds_bucket')).includes(traceId));
});

withPrometheus(`what scales a function on Kubernetes sees that function only, and alerts name it${missing}`, async t => {
  const adapter = parse(await readFile(projectFile('deploy/kubernetes/adapter/values.yaml'), 'utf8')).rules.custom[0];
  const keda = parse(await readFile(projectFile('deploy/kubernetes/keda/scaledobject.yaml'), 'utf8')).spec.triggers[0].metadata;
  const hello = await startCore({...mirror, SCW_APPLICATION_NAME: 'hello'}, t);
  const orders = await startCore({...mirror, SCW_APPLICATION_NAME: 'orders'}, t);
  const prometheus = await startPrometheus(t, {'core-runtime': hello.adminUrl}, [
    // As the operator makes them of a ServiceMonitor.
    {targets: [new URL(hello.adminUrl).host], labels: {job: 'hello', namespace: 'shop', pod: 'hello-1'}},
    {targets: [new URL(orders.adminUrl).host], labels: {job: 'orders', namespace: 'shop', pod: 'orders-1'}},
  ]);
  const calls = [hello, hello, hello, orders].map(core => ask(`${core.url}/?do=never`).catch(() => undefined));
  // As the adapter fills in its template for the pods of one function.
  const ofPods = (pods: string) =>
    adapter.metricsQuery
      .replaceAll('<<.GroupBy>>', 'pod')
      .replaceAll('<<.Series>>', /^\w+/.exec(adapter.seriesQuery)?.[0] ?? '')
      .replaceAll('<<.LabelMatchers>>', `namespace="shop",pod=~"${pods}"`);
  const inFlight = async (query: string) => (await prometheus.query(query))[0]?.[1];
  while ((await inFlight(keda.query)) !== '3' || (await inFlight(ofPods('orders-1'))) !== '1'); // each is scraped at a time of its own
  t.is((await prometheus.query(adapter.seriesQuery)).length, 2);
  t.deepEqual(await prometheus.query(ofPods('hello-1')), [[undefined, '3']]);
  t.deepEqual(await prometheus.query(ofPods('orders-1')), [[undefined, '1']]);
  hello.kill('SIGKILL');
  const firing = 'ALERTS{alertname="RuntimeUnreachable",function="hello",namespace="shop",pod="hello-1"}';
  while ((await prometheus.query(firing)).length === 0);
  t.deepEqual(await prometheus.query('ALERTS{alertname="RuntimeUnreachable",function="orders"}'), []);
  orders.kill('SIGKILL');
  await Promise.all(calls);
});

withPrometheus(`a process that is killed, and one that hangs, change no increase${missing}`, async t => {
  const core = await startCore({...mirror, CORE_PROCESSES: '3'}, t);
  const prometheus = await startPrometheus(t, {'core-runtime': core.adminUrl});
  const sent = 'http_requests_total{code="200",method="GET"}';
  const scraped = async (expr: string) => (await prometheus.query(expr)).map(([, value]) => Number(value));
  await ask(core.url);
  while ((await scraped(sent))[0] !== 1); // what came before the first scrape is no increase
  const call = async (times: number) => {
    for (let calls = 0; calls < times; calls++) await ask(core.url).catch(() => undefined);
  };
  await call(199);
  const [killed, stopped] = siblingsOf(core);
  while ((await metric(core, sent)) < 200);
  signalTo(killed, 'SIGKILL');
  signalTo(stopped, 'SIGSTOP');
  await core.logged(({msg, reason}) => msg.startsWith('A core process ended') && reason === 'stuck');
  while ((await metric(core, 'core_processes_up')) < 3);
  await call(100);
  const total = 300;
  while ((await metric(core, sent)) !== total);
  while ((await scraped(sent))[0] !== total);
  t.deepEqual(await scraped(`resets(${sent}[10m])`), [0]);
  // `increase` extrapolates to the edges of its window; the difference of a counter that was never reset does not.
  t.deepEqual(await scraped(`max_over_time(${sent}[10m]) - min_over_time(${sent}[10m])`), [total - 1]);
});

let exits = 0;

/** Something of everything that the dashboard shows; the function does not end so often that the core gives up. */
async function load(core: RunningCore): Promise<void> {
  const paths = ['/', '/', '/?do=throw', ...(exits++ < 8 ? ['/?do=exit&code=1'] : [])];
  await Promise.all(paths.map(path => ask(core.url + path, {headers: {traceparent}})));
}

interface Targets {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** A Prometheus with the configuration of the stack, but these targets, often scraped; it ends with the test. */
async function startPrometheus(t: ExecutionContext, targets: Record<string, string>, instead?: readonly Targets[]) {
  const folder = await mkdtemp(join(tmpdir(), 'core-prometheus-'));
  const {otlp: _newerOnly, ...config} = parse(await readFile(projectFile('deploy/prometheus.yml'), 'utf8'));
  const jobs = config.scrape_configs.filter(({job_name}: {job_name: string}) => job_name in targets);
  for (const job of jobs) job.static_configs = instead ?? [{targets: [new URL(targets[job.job_name] ?? '').host]}];
  const file = join(folder, 'prometheus.yml');
  await writeFile(
    file,
    stringify({
      ...config,
      global: {scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s'},
      rule_files: [projectFile('deploy/alerts.yml')],
      scrape_configs: jobs,
    }),
  );
  promtool(['check', 'config', file]);
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--log.level=error',
    ],
    {stdio: ['ignore', 'ignore', 'inherit']},
  );
  const ended = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await ended;
    await rm(folder, {recursive: true});
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) if (child.exitCode !== null) throw new Error('Prometheus did not start');
  const get = async (path: string) => (await ask(url + path)).json().data;
  return {
    url,
    /** Job and value of each series that it found now. */
    async query(expr: string): Promise<[string | undefined, string][]> {
      const {result} = await get(`/api/v1/query?query=${encodeURIComponent(expr)}`);
      return result.map(({metric, value}: {metric: {job?: string}; value: [number, string]}) => [metric.job, value[1]]);
    },
    /** Ids of the traces that a metric points to. */
    async exemplars(metric: string): Promise<string[]> {
      const since = Date.now() / 1000 - 3600;
      const found = await get(`/api/v1/query_exemplars?query=${metric}&start=${since}&end=${since + 7200}`);
      return found.flatMap(({exemplars}: {exemplars: {labels: {trace_id: string}}[]}) => exemplars.map(({labels}) => labels.trace_id));
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await ask(`${url}/-/ready`)).status === 200;
  } catch {
    return false;
  }
}
