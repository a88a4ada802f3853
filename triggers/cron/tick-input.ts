import type {Input} from '../../src/delivery.ts';
import type {RecordedRequest} from '../../src/journals/payload.ts';

export interface DueOccurrence {
  /** Of the schedule. */
  readonly name: string;
  /** ISO 8601. */
  readonly occurrence: string;
  /** The input of the schedule, as JSON. */
  readonly body: Buffer;
}

/** The same as a request that is kept. The function's own reply counts, as it says whether there is to be another attempt. */
export function tickRequest({name, occurrence, body}: DueOccurrence): RecordedRequest {
  return {
    shape: 'request',
    eventType: 'cron',
    reply: 'http',
    method: 'POST',
    path: '/',
    query: '',
    headers: ['Content-Type', 'application/json'],
    sourceIp: '',
    body,
    context: {schedule: {name, occurrence}},
  };
}

/** What the function receives when a schedule is due. */
export function tickInput({name, occurrence, body}: DueOccurrence): Input {
  return {
    shape: 'message',
    eventType: 'cron',
    reply: 'outcome',
    contentType: 'application/json',
    attributes: [],
    body,
    context: {schedule: {name, occurrence}},
  };
}
