// Notes how long after it was sent each item of work started. A GET takes the notes. BENCH_COMPUTES_US: it computes for so long.
let tookUs = [];
const computesUs = BigInt(process.env.BENCH_COMPUTES_US ?? 0);

exports.handle = event => {
  if (event.httpMethod === 'GET') {
    const body = JSON.stringify(tookUs);
    tookUs = [];
    return {statusCode: 200, headers: {'Content-Type': 'application/json'}, body};
  }
  const startedAt = process.hrtime.bigint() / 1000n;
  tookUs.push(Number(startedAt) - JSON.parse(event.body).at);
  while (process.hrtime.bigint() / 1000n < startedAt + computesUs);
  return {statusCode: 200, body: ''};
};
