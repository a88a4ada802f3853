exports.handle = event => ({statusCode: 200, headers: {'Content-Type': 'text/plain'}, body: event.body});
