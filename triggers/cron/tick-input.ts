import type {Input} from '../../src/delivery.ts';

export interface DueOccurrence {
  /** Of the schedule. */
  readonly name: string;
  /** ISO 8601. */
  readonly occurrence: string;
  /** The input of the schedule, as JSON. */
  readonly body: Buffer;
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
