'use strict';

/** The conformance function: does what the event's body says; `core-runtime conform` asks it (runtimes/README.md). */
exports.handle = (event, context) => {
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
  }
};
