/** Says hello to `?name=`, and how it was called. */
module.exports.handle = (event, _context, callback) => {
  const name = event.queryStringParameters?.name ?? 'world';
  callback(null, {
    statusCode: 200,
    body: {message: `Hello, ${name}!`, method: event.httpMethod, path: event.path},
  });
};
