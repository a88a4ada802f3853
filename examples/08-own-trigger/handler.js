exports.handle = event => {
  if (event.httpMethod === 'GET') return 'Put files into the inbox.';
  if (event.body.includes('fail')) throw new Error('cannot read this');
  console.log(`${event.headers['File-Name']}: ${event.body.trim()}`);
};
