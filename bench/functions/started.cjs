// Notes how long after it was sent each item of work started. A GET takes the notes.
let tookUs = [];

exports.handle = event => {
  if (event.httpMethod === 'GET') {
    const body = JSON.stringify(tookUs);
    tookUs = [];
    return {statusCode: 200, headers: {'Content-Type': 'application/json'}, body};
  }
  tookUs.push(Number(process.hrtime.bigint() / 1000n) - JSON.parse(event.body).at);
  return {statusCode: 200, body: ''};
};
