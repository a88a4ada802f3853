// `?ms=` answers after that time; `?block=` too, and nothing else runs meanwhile; `?size=` with so many bytes; `?crash` ends
// the process; `?flood` begins to write for as long as the process lives.
const {spawn} = require('node:child_process');
exports.handle = async event => {
  const {ms, block, size, crash, flood} = event.queryStringParameters;
  if (ms) await new Promise(resolve => setTimeout(resolve, Number(ms)));
  if (block) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(block));
  if (crash !== undefined) process.exit(3);
  if (flood !== undefined) spawn('yes', ['a line of a function that does not stop'], {stdio: ['ignore', 1, 2]});
  return {body: size ? 'x'.repeat(Number(size)) : 'fine'};
};
