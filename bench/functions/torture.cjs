// `?ms=` answers after that time; `?flood` begins to write for as long as the process lives.
const {spawn} = require('node:child_process');
exports.handle = async event => {
  const {ms, flood} = event.queryStringParameters;
  if (ms) await new Promise(resolve => setTimeout(resolve, Number(ms)));
  if (flood !== undefined) spawn('yes', ['a line of a function that does not stop'], {stdio: ['ignore', 1, 2]});
  return {body: 'fine'};
};
