// The benches' functions as a framework calls them in its own process: no event, no result, but a request and a response.
const {handle: work} = require('./busy.cjs');

exports.message = (_, response) => response.status(201).json({message: 'Executed properly'});
exports.echo = (request, response) => response.type('text/plain').send(request.body);
exports.busy = (_, response) => response.send(work().body);
