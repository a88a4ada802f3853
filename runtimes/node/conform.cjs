'use strict';

/** The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md). */
exports.handle = (event, context) => ('body' in event ? perform(event, context) : receive(event, context));

/** The same, where the body comes as it is read. */
async function receive(event, context) {
  const pieces = [];
  for await (const piece of context.body) pieces.push(piece);
  return perform(Object.assign({}, event, {body: Buffer.concat(pieces).toString()}), context);
}

function perform(event, context) {
  if (event.isBase64Encoded) return {body: event.body, isBase64Encoded: true};
  const script = JSON.parse(event.body);
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
