exports.handle = event => ({statusCode: 200, headers: {'Content-Type': 'text/plain'}, body: 'x'.repeat(Number(event.body) || 10)});
