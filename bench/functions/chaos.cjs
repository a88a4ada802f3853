// Work under chaos: takes a while, fails at times, and now and then ends its process. {"log": path} gets a line at each end.
const {appendFileSync} = require('node:fs');
exports.handle = async event => {
  const {name, log} = JSON.parse(event.body || '{}');
  await new Promise(resolve => setTimeout(resolve, Math.random() * 30));
  const luck = Math.random();
  if (luck < 0.003) process.exit(1);
  if (luck < 0.15) return {statusCode: 500, body: 'failed on purpose'};
  if (log) appendFileSync(log, `${name}\n`);
  return {statusCode: 200, body: 'done'};
};
