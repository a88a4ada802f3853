// Puts load on a server where wrk is missing: reads what to send from standard input, prints what it measured.
const autocannon = require('autocannon');

let text = '';
process.stdin.on('data', chunk => {
  text += chunk;
});
process.stdin.on('end', async () => {
  const {url, connections, seconds, method = 'GET', headers, body, each} = JSON.parse(text);
  const options = {url, connections, duration: seconds, method, headers, body};
  let sent = 0;
  const another = request => ({...request, headers: {...request.headers, [each.header]: each.values[sent++ % each.values.length]}});
  if (each) options.requests = [{setupRequest: another}]; // one counter for all connections
  const running = autocannon(options);
  const times = []; // its own percentiles are whole milliseconds
  running.on('response', (_client, _status, _bytes, ms) => times.push(ms));
  const {duration, errors, non2xx} = await running;
  times.sort((a, b) => a - b);
  const quantileUs = share => (times[Math.floor(times.length * share)] ?? 0) * 1000;
  const measured = [times.length, duration * 1e6, quantileUs(0.5), quantileUs(0.99), errors + non2xx];
  process.stdout.write(`RESULT ${measured.map(Math.round).join(' ')}\n`);
});
