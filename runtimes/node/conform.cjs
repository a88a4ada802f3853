'use strict';

/** The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md). */
exports.handle = (event, context) => {
  if (event.isBase64Encoded) return {body: event.body, isBase64Encoded: true};
  return 'body' in event ? perform(JSON.parse(event.body), event, context) : receive(event, context);
};

/** The same, where the body comes as it is read. A script that does not come as the body leaves the body to itself. */
async function receive(event, context) {
  const {script = (await read(context.body)).toString()} = event.queryStringParameters;
  return perform(JSON.parse(script), event, context);
}

async function read(body) {
  const pieces = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

function perform(script, event, context) {
  switch (script.do) {
    case 'return':
      return script.value;
    case 'throw':
      throw new Error(script.message);
    case 'event':
      return event;
    case 'context':
      return context;
    case 'header':
      return event.headers[script.name];
    case 'print':
      return console.log(script.line);
    case 'slow':
      return new Promise(resolve => setTimeout(resolve, script.ms, 'slow'));
    case 'read':
      return new Promise(resolve => setTimeout(resolve, script.ms)).then(() => read(context.body)).then(({length}) => String(length));
    case 'stream':
      return {headers: {'Content-Type': 'text/plain'}, body: pieces(script)};
  }
}

async function* pieces({piece, count, ms, message, line}) {
  try {
    for (let index = 0; index < count; index++) {
      if (index > 0) await new Promise(resolve => setTimeout(resolve, ms));
      yield piece;
    }
    if (message) throw new Error(message);
  } finally {
    if (line) console.log(line);
  }
}
