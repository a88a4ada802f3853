// Puts load on a server where wrk is missing: reads what to send from standard input, prints what it measured.
const autocannon = require('autocannon');

let text = '';
process.stdin.on('data', chunk => {
  text += chunk;
});
process.stdin.on('end', async () => {
  const {url, connections, seconds, method, headers, body, each} = JSON.parse(text);
  const requests = each ? each.values.map(value => ({method, headers: {...headers, [each.header]: value}})) : undefined;
  const result = await autocannon({url, connections, duration: seconds, method, headers, body, requests});
  const {duration, errors, non2xx, latency} = result;
  const answers = result['2xx'] + non2xx;
  const measured = [answers, duration * 1e6, latency.p50 * 1000, latency.p99 * 1000, errors + non2xx];
  process.stdout.write(`RESULT ${measured.map(Math.round).join(' ')}\n`);
});
