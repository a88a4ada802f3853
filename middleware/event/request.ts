import type {Input, MessageInput, RequestInput} from '../../src/delivery.ts';

/** The request that the platform's event describes. For a message that is a POST to `/` with its attributes as headers. */
export function requestOf(input: Input): RequestInput {
  if (input.shape === 'request') return input;
  if (input.shape === 'message') return postOf(input);
  throw new TypeError(`Expected the shape of an input to be request or message, got \`${(input as {shape?: unknown}).shape}\``);
}

function postOf({contentType, attributes, ...same}: MessageInput): RequestInput {
  const type = contentType === '' ? [] : ['Content-Type', contentType];
  return {...same, shape: 'request', method: 'POST', path: '/', query: '', headers: [...type, ...attributes].map(asBytes), sourceIp: ''};
}

/** Headers are latin1 text of their bytes. */
const asBytes = (text: string) => Buffer.from(text).toString('latin1');
