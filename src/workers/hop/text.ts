import type {BodyForm, InvocationTrace, RuntimeCall, WrittenEvent} from '../../runtime.ts';

/** The event of a call. @throws TypeError when its protocol sends none */
export function eventOf({event}: Pick<RuntimeCall, 'event'>): WrittenEvent {
  if ('start' in event) return event;
  throw new TypeError('Expected an event, got a request that is passed on');
}

/** A call as a sub-runtime reads it that is called over HTTP: the body is escaped into the event. */
export function writeRequest({start, body, form, context, handler}: WrittenEvent, trace: InvocationTrace | undefined): string {
  return `${start},${writeBody(body, form)}}${context}${writeTrace(trace)}}${handler}}`;
}

/** A call as it stands on the channel: its body follows the JSON as bytes. */
export function writeCall({start, context}: WrittenEvent, trace: InvocationTrace | undefined): string {
  return `${start}}${context}${writeTrace(trace)}}}`;
}

function writeBody(body: Buffer, form: BodyForm): string {
  if (form === 'bytes') return `"body":"${body.toString('base64')}","isBase64Encoded":true`;
  return `"body":${JSON.stringify(body.toString('utf8'))},"isBase64Encoded":${form === 'base64'}`;
}

function writeTrace(trace: InvocationTrace | undefined): string {
  if (!trace) return '{}';
  return trace.tracestate ? JSON.stringify(trace) : `{"traceparent":"${trace.traceparent}"}`;
}
