exports.handle = () => ({statusCode: 201, body: {message: 'Executed properly'}});
