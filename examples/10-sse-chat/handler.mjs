import {readFile} from 'node:fs/promises';

/** Those who listen: each has the messages that it has not got yet, and how to wake it. */
const listeners = new Set();

/** GET / is a page, GET /messages the stream of messages, POST /messages says something to all who listen. */
export async function handle({httpMethod, path, body}, {signal}) {
  if (path === '/') {
    return {headers: {'Content-Type': 'text/html; charset=utf-8'}, body: await readFile(new URL('page.html', import.meta.url), 'utf8')};
  }
  if (path !== '/messages') return {statusCode: 404, body: 'not found\n'};
  if (httpMethod === 'GET') return {headers: {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'}, body: listen(signal)};
  for (const listener of listeners) listener.add(body);
  return {statusCode: 202, body: {listeners: listeners.size}};
}

/** Gives each message as an event as it comes, and a comment every 15 s: a stream that is silent for too long is broken off. */
async function* listen(signal) {
  const messages = [];
  let wake = () => {};
  const listener = {
    add(message) {
      messages.push(message);
      wake();
    },
  };
  listeners.add(listener);
  signal.addEventListener('abort', () => wake());
  try {
    yield ': welcome\n\n';
    while (!signal.aborted) {
      const timer = setTimeout(() => listener.add(null), 15_000);
      if (messages.length === 0) {
        await new Promise(resolve => {
          wake = resolve;
        });
      }
      clearTimeout(timer);
      for (const message of messages.splice(0)) yield message === null ? ': still here\n\n' : `data: ${JSON.stringify(message)}\n\n`;
    }
  } finally {
    listeners.delete(listener);
  }
}
